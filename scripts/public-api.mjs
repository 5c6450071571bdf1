// Reads the exports of the package from the sources with the TypeScript compiler: every public entry with its names, and for
// every name its docstring, its signatures, and its members with type and docstring. The pages of the API reference and the
// check of docstrings use this. It writes nothing.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  API,
  NodeBuilderFlags,
  SignatureKind,
  SymbolFlags,
  TypeFlags,
} from "typescript/unstable/sync";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @typedef {{ name: string, text: string }} Tag */
/** @typedef {{ name: string, doc: string, tags: Tag[], optional: boolean, type: string, signatures: string[], file: string }} Member */
/** @typedef {"class" | "error" | "function" | "value" | "interface" | "type"} Kind */
/** @typedef {{ name: string, kind: Kind, doc: string, tags: Tag[], file: string, signatures: string[], type: string, statics: Member[], members: Member[], variants: Member[][] }} Exported */
/** @typedef {{ entry: string, path: string, comment: string, exports: Exported[], used: Exported[] }} Entry */

/**
 * The entries that programs import, in the order of package.json, and the source file of each.
 * @returns {{ entry: string, path: string }[]}
 */
export function entryFiles() {
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  return Object.entries(exports)
    .filter(([entry, target]) => typeof target === "object" && entry !== "./script")
    .map(([entry, { types }]) => ({
      entry: entry.replace(/^\./, "tied-autoencoder"),
      path: types.replace("./dist/types/", "").replace(/\.d\.ts$/, ".ts"),
    }));
}

/**
 * Reads all entries.
 * @returns {Entry[]}
 */
export function readPublicApi() {
  const api = new API({ cwd: root });
  try {
    const snapshot = api.updateSnapshot({ openProject: `${root}tsconfig.json` });
    const reader = new Reader(snapshot.getProjects()[0]);
    return entryFiles().map(({ entry, path }) => reader.entry(entry, path));
  } finally {
    api.close();
  }
}

class Reader {
  constructor({ checker, program, emitter }) {
    this.checker = checker;
    this.program = program;
    this.emitter = emitter;
    /** The exports that were read before, because entries share names. */
    this.read = new Map();
    /** Interfaces and aliases of the sources by name. A list, because two files can use the same name. */
    this.types = new Map();
    for (const path of program.getSourceFileNames()) {
      if (!path.startsWith(`${root}src/`)) continue;
      for (const { name, symbol } of this.exportsOf(path)) {
        if ((symbol.flags & (SymbolFlags.Interface | SymbolFlags.TypeAlias)) === 0) continue;
        const known = this.types.get(name) ?? [];
        if (!known.some((one) => one.id === symbol.id)) this.types.set(name, [...known, symbol]);
      }
    }
  }

  /** The exports of a file, by their exported names. */
  exportsOf(path) {
    const file = this.checker.getSymbolAtLocation(this.program.getSourceFile(path));
    if (!file) return [];
    return this.checker.getExportsOfModule(file).map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol,
    }));
  }

  /** An entry: its exports, and the types that these mention and that it does not export. */
  entry(entry, path) {
    const exports = this.exportsOf(root + path).map(({ name, symbol }) =>
      this.exported(name, symbol),
    );
    const known = new Set(exports.map(({ name }) => name));
    const used = [];
    const queue = [...exports];
    for (let one = queue.shift(); one; one = queue.shift()) {
      for (const [name] of typesIn(one).matchAll(/\b[A-Z]\w+/g)) {
        const symbols = this.types.get(name) ?? [];
        if (known.has(name) || symbols.length !== 1) continue;
        known.add(name);
        const found = this.exported(name, symbols[0]);
        if (isInternal(found)) continue;
        used.push(found);
        queue.push(found);
      }
    }
    return { entry, path, comment: leadingComment(root + path), exports, used };
  }

  exported(name, symbol) {
    const key = `${name} ${symbol.id}`;
    const known = this.read.get(key) ?? this.readExported(name, symbol);
    this.read.set(key, known);
    return known;
  }

  readExported(name, symbol) {
    const declared = this.checker.getDeclaredTypeOfSymbol(symbol);
    const isClass = (symbol.flags & SymbolFlags.Class) !== 0;
    const isInterface = (symbol.flags & SymbolFlags.Interface) !== 0;
    const isAlias = (symbol.flags & SymbolFlags.TypeAlias) !== 0;
    const value = isInterface || isAlias ? undefined : this.checker.getTypeOfSymbol(symbol);
    const calls = value ? this.signatures(name, value, SignatureKind.Call) : [];
    const statics = isClass ? this.members(value) : [];
    const isMade = statics.some((member) => member.signatures.length > 0);
    return {
      name,
      kind: this.kindOf(symbol, declared, calls),
      ...this.docs(symbol),
      file: this.fileOf(symbol),
      signatures:
        isClass && !isMade ? this.signatures(`new ${name}`, value, SignatureKind.Construct) : calls,
      type: isAlias ? this.alias(declared) : value ? this.text(value) : "",
      statics,
      members: isClass || isInterface ? this.members(declared) : [],
      variants: isAlias ? this.variants(declared) : [],
    };
  }

  kindOf(symbol, declared, calls) {
    if (symbol.flags & SymbolFlags.Interface) return "interface";
    if (symbol.flags & SymbolFlags.TypeAlias) return "type";
    if ((symbol.flags & SymbolFlags.Class) === 0) return calls.length > 0 ? "function" : "value";
    return this.checker.getPropertyOfType(declared, "stack") ? "error" : "class";
  }

  docs(symbol) {
    return {
      doc: symbol.getDocumentationComment(this.checker).trim(),
      tags: symbol
        .getJsDocTags(this.checker)
        .map(({ name, text }) => ({ name, text: (text ?? "").trim() })),
    };
  }

  fileOf(symbol) {
    const [declaration] = symbol.declarations;
    return declaration ? declaration.path.slice(root.length) : "";
  }

  /** Members that this package declares and that are public. */
  members(type) {
    return this.checker
      .getPropertiesOfType(type)
      .filter((symbol) => !/^(__#|prototype$)/.test(symbol.name) && !isProtected(symbol))
      .map((symbol) => this.member(symbol))
      .filter((member) => member.file.startsWith("src/") && !isInternal(member));
  }

  member(symbol) {
    const optional = (symbol.flags & SymbolFlags.Optional) !== 0;
    const type = this.checker.getTypeOfSymbol(symbol);
    const name = symbol.name.replace(/^__@(\w+)@\d+$/, "[Symbol.$1]");
    const isMethod = (symbol.flags & SymbolFlags.Method) !== 0;
    return {
      name,
      ...this.docs(symbol),
      file: this.fileOf(symbol),
      optional,
      type: this.text(optional ? this.checker.getNonNullableType(type) : type),
      signatures: isMethod ? this.signatures(name, type, SignatureKind.Call) : [],
    };
  }

  signatures(name, type, kind) {
    return this.checker
      .getSignaturesOfType(type, kind)
      .filter((signature) => !isHidden(signature.declaration?.resolve()))
      .map((signature) => {
        const node = this.checker.signatureToSignatureDeclaration(
          signature,
          SyntaxKind.CallSignature,
          undefined,
          NodeBuilderFlags.NoTruncation,
        );
        const text = simpler(this.emitter.printNode(node).replace(/;$/, ""));
        return name + (kind === SignatureKind.Construct ? text.replace(/: \w+$/, "") : text);
      });
  }

  text(type) {
    return simpler(this.checker.typeToString(type, undefined, NodeBuilderFlags.NoTruncation));
  }

  /** The type behind an alias. For a union, its parts. */
  alias(type) {
    if ((type.flags & TypeFlags.Union) === 0) {
      return simpler(
        this.checker.typeToString(
          type,
          undefined,
          NodeBuilderFlags.NoTruncation | NodeBuilderFlags.InTypeAlias,
        ),
      );
    }
    return type
      .getTypes()
      .map((part) => this.text(part))
      .join(" | ");
  }

  /** The members of each object type behind an alias. */
  variants(type) {
    const parts = type.flags & TypeFlags.Union ? type.getTypes() : [type];
    return parts
      .filter((part) => (part.flags & (TypeFlags.Object | TypeFlags.Intersection)) !== 0)
      .map((part) => this.members(part))
      .filter((members) => members.length > 0);
  }
}

/** Whether only the class and its subclasses can use a member. */
function isProtected({ flags, declarations }) {
  if ((flags & (SymbolFlags.Method | SymbolFlags.Accessor)) === 0) return false;
  return declarations.some((declaration) => {
    const node = declaration.resolve();
    return node?.modifiers?.some(({ kind }) => kind === SyntaxKind.ProtectedKeyword) ?? false;
  });
}

/** Whether a constructor is not for callers: it is private or marked `@internal`. */
function isHidden(node) {
  const text = node ? node.getSourceFile().text.slice(node.pos, node.end) : "";
  return /^\s*(\/\*\*[^/]*@internal|(\/\*\*.*?\*\/\s*)?private\b)/s.test(text);
}

const isInternal = ({ tags }) => tags.some(({ name }) => name === "internal");

/** Every type that one of the public names mentions. */
function typesIn({ signatures, type, statics, members, variants }) {
  const all = [...statics, ...members, ...variants.flat()];
  return [
    ...signatures,
    type,
    ...all.flatMap((member) => [member.type, ...member.signatures]),
  ].join("\n");
}

/** A type without `undefined`, which every optional parameter repeats. */
function simpler(type) {
  return type
    .replaceAll("<ArrayBufferLike>", "")
    .replaceAll("<ArrayBuffer>", "")
    .replaceAll(/(\?: [^,;()]*?) \| undefined/g, "$1");
}

/** The comment at the top of a file, as text. */
function leadingComment(path) {
  const lines = readFileSync(path, "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join(" ");
}

// Writes ONNX models: converts a plain description of a graph to the protobuf bytes of a ModelProto. It only supports the
// messages and fields that such a graph needs, and it does not read models. Field numbers are those of
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.

import type { OwnBytes } from "../arrays.ts";
import { InvalidValueError } from "../errors.ts";
import { concatBytes, elementCount } from "./numbers.ts";
import { encodeUtf8, quote } from "./text.ts";

/** A float32 tensor as an input or an output. A size that is a text is a named, free dimension, such as "batch". */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** A float32 tensor that is stored in the file, row-major. */
export interface OnnxInitializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An attribute with its type, because ONNX distinguishes 1 and 1.0. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly string: string };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
  /** In topological order. */
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxModelInfo {
  /** The version of the operators. Every runtime since 2022 reads version 17. */
  readonly opset?: number;
  readonly producer?: string;
  readonly producerVersion?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const FLOAT = 1; // TensorProto.DataType
const MAX_PROTOBUF = 2 ** 31 - 1;

/** The pieces of a message, in order. They are joined at the end, so that weights are only copied once. */
type Pieces = Uint8Array[];

/**
 * The bytes of an .onnx file.
 * @throws InvalidValueError for an invalid graph: names that are defined twice or used before their definition, data that do
 *   not fit their shape, more than 2 GiB.
 */
export function encodeOnnx(
  graph: OnnxGraph,
  { opset = 17, producer = "", producerVersion = "", metadata = {} }: OnnxModelInfo = {},
): OwnBytes {
  checkGraph(graph);
  const pieces = [
    integer(1, opset < 19 ? 8 : 9), // the version of the format for these operators
    text(2, producer),
    text(3, producerVersion),
    message(7, [
      ...graph.nodes.map((node, i) => message(1, encodeNode(node, i))),
      text(2, graph.name),
      ...graph.initializers.map((tensor) => message(5, encodeTensor(tensor))),
      ...graph.inputs.map((value) => message(11, encodeValue(value))),
      ...graph.outputs.map((value) => message(12, encodeValue(value))),
    ]),
    message(8, [integer(2, opset)]),
    ...Object.entries(metadata).map(([key, value]) => message(14, [text(1, key), text(2, value)])),
  ].flat();
  const size = totalLength(pieces);
  if (size > MAX_PROTOBUF) {
    throw new InvalidValueError(`an ONNX file holds at most 2 GiB, this graph needs ${size} bytes`);
  }
  return concatBytes(pieces);
}

function checkGraph({ inputs, outputs, initializers, nodes }: OnnxGraph): void {
  const made = new Set<string>();
  const make = (name: string) => {
    if (made.has(name) || name === "")
      throw new InvalidValueError(`${quote(name)} is made twice or unnamed`);
    made.add(name);
  };
  const use = (name: string, user: string) => {
    if (!made.has(name))
      throw new InvalidValueError(`${user} uses ${quote(name)} before it is made`);
  };
  for (const { name } of inputs) make(name);
  for (const { name, shape, data } of initializers) {
    make(name);
    if (elementCount(shape) !== data.length) {
      throw new InvalidValueError(
        `${quote(name)}: ${data.length} elements are not of shape [${shape}]`,
      );
    }
  }
  for (const node of nodes) {
    for (const name of node.inputs) if (name !== "") use(name, node.op); // "" is an absent optional input
    for (const name of node.outputs) make(name);
  }
  for (const { name } of outputs) use(name, "the output");
}

const encodeNode = (
  { op, inputs, outputs, attributes = {} }: OnnxNode,
  index: number,
): Pieces[] => [
  ...inputs.map((name) => text(1, name)),
  ...outputs.map((name) => text(2, name)),
  text(3, `${op}_${index}`),
  text(4, op),
  ...Object.entries(attributes).map(([name, value]) =>
    message(5, [text(1, name), ...encodeAttribute(value)]),
  ),
];

/** The field of the value, and its type in field 20. */
function encodeAttribute(value: OnnxAttribute): Pieces[] {
  if ("float" in value) return [float(2, value.float), integer(20, 1)];
  if ("int" in value) return [integer(3, value.int), integer(20, 2)];
  if ("string" in value) return [text(4, value.string), integer(20, 3)];
  if ("floats" in value) return [...value.floats.map((x) => float(7, x)), integer(20, 6)];
  return [...value.ints.map((n) => integer(8, n)), integer(20, 7)];
}

const encodeTensor = ({ name, shape, data }: OnnxInitializer): Pieces[] => [
  ...shape.map((size) => integer(1, size)),
  integer(2, FLOAT),
  text(8, name),
  bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)), // little-endian
];

const encodeValue = ({ name, shape }: OnnxValue): Pieces[] => [
  text(1, name),
  message(2, [
    message(1, [
      integer(1, FLOAT),
      message(
        2,
        shape.map((size) =>
          message(1, [typeof size === "string" ? text(2, size) : integer(1, size)]),
        ),
      ),
    ]),
  ]),
];

// The wire format of protobuf: a field is its number and wire type, then the value.

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Seven bits per byte, least significant first. Negative numbers are 64-bit two's complement. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return out;
}

const tag = (field: number, wireType: number): number[] => varint((field << 3) | wireType);

const integer = (field: number, value: number): Pieces => [
  new Uint8Array([...tag(field, VARINT), ...varint(value)]),
];

const float = (field: number, value: number): Pieces => [
  new Uint8Array([...tag(field, FIXED32), ...new Uint8Array(new Float32Array([value]).buffer)]),
];

const bytes = (field: number, value: Uint8Array): Pieces => message(field, [[value]]);

const text = (field: number, value: string): Pieces => bytes(field, encodeUtf8(value));

function message(field: number, fields: Pieces[]): Pieces {
  const pieces = fields.flat();
  const head = [...tag(field, LENGTH_DELIMITED), ...varint(totalLength(pieces))];
  return [new Uint8Array(head), ...pieces];
}

const totalLength = (pieces: Pieces): number => pieces.reduce((sum, { length }) => sum + length, 0);

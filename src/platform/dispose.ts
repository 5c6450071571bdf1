/// <reference lib="esnext.disposable" preserve="true" />
// The key of the method that ends a `using` scope. Some hosts have no Symbol.dispose, and a method
// under `[undefined]` would be called "undefined"; there this is the symbol that compilers of `using`
// and polyfills look for.

export const disposeKey: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

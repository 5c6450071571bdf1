/// <reference lib="esnext.disposable" preserve="true" />
// The key of the method that ends a `using` scope. Some hosts have no Symbol.dispose. There this is the symbol
// that compilers of `using` and polyfills use; a method with the key `undefined` would be named "undefined".

export const disposeKey: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

// The main entry under the conditions `workerd` and `edge-light`: the same names, with both builds
// imported as compiled modules (builds/edge.ts), because these hosts compile nothing in a request.

export * from "./index.ts";

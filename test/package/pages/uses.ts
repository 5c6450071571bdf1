// What a page does with results: the functions of the DOM take them without a cast. Compiled as
// consumer/uses.ts, with the DOM's types.

import { StandardScaler, TiedAutoencoder } from "tied-autoencoder";
import { createKernels } from "tied-autoencoder/kernels";
import type { TiedAutoencoder as Remote } from "tied-autoencoder/worker";

export async function blobs(model: TiedAutoencoder, remote: Remote): Promise<Blob[]> {
  const x = new Float32Array(8);
  return [
    new Blob([model.save()]),
    new Blob([model.save({ optimizer: true }), model.toOnnx()]),
    new Blob([model.encode(x), model.decode(x), model.reconstruct(x)]),
    new Blob([model.reconstructionErrors(x), model.featureErrors(x)]),
    new Blob([await remote.save(), await remote.toOnnx(), await remote.encode(x)]),
    new Blob([new StandardScaler().fitTransform({ data: x, shape: [4, 2] })]),
  ];
}

export async function fetched(url: string): Promise<TiedAutoencoder> {
  const wasm = () => fetch(`${url}/baseline.wasm`);
  const response = await fetch(`${url}/model`);
  return TiedAutoencoder.load(new Uint8Array(await response.arrayBuffer()), { wasm });
}

export async function abortable(model: TiedAutoencoder, x: Float32Array): Promise<void> {
  const { signal } = new AbortController();
  await model.fit(x, { epochs: 2, signal });
  await model.fit(x, { epochs: 2, signal: AbortSignal.timeout(100) });
}

export async function uploaded(): Promise<Response> {
  const kernels = await createKernels();
  return new Response(kernels.matrix(2, 2).toArray());
}

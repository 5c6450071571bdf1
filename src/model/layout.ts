// Where each named parameter stands in the flat block of all of them. Every tied weight appears once:
// the decoder has biases of its own but no weights. Each tensor starts on a 16-byte boundary; the gaps
// hold zeros whose gradients are zero, so that kernels may run over the whole block as one vector.

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Elements. */
  readonly length: number;
  /** Elements from the start of the block. */
  readonly offset: number;
}

export interface ParameterLayout {
  /** In the order of the block: for each layer its weight, its encoder bias, its decoder bias. */
  readonly tensors: readonly Tensor[];
  readonly weights: readonly Tensor[];
  /** One a layer; undefined where the model has no such bias. */
  readonly encoderBiases: readonly (Tensor | undefined)[];
  readonly decoderBiases: readonly (Tensor | undefined)[];
  /** Elements of the whole block, gaps included: a multiple of 4. */
  readonly blockLength: number;
  /** Parameters of the model, gaps left out. */
  readonly parameterCount: number;
}

/** Lays out the parameters of a model with these layers. */
export function layoutParameters(
  layers: readonly number[],
  bias: boolean,
  decoderBias: boolean,
): ParameterLayout {
  let blockLength = 0;
  const tensors: Tensor[] = [];
  const add = (name: string, shape: number[]): Tensor => {
    const length = shape.reduce((product, size) => product * size, 1);
    const tensor = { name, shape, length, offset: blockLength };
    blockLength += Math.ceil(length / 4) * 4;
    tensors.push(tensor);
    return tensor;
  };
  const weights: Tensor[] = [];
  const encoderBiases: (Tensor | undefined)[] = [];
  const decoderBiases: (Tensor | undefined)[] = [];
  for (let i = 0; i + 1 < layers.length; i++) {
    const inputs = layers[i] as number;
    const units = layers[i + 1] as number;
    weights.push(add(`encoder.${i}.weight`, [units, inputs]));
    encoderBiases.push(bias ? add(`encoder.${i}.bias`, [units]) : undefined);
    decoderBiases.push(decoderBias ? add(`decoder.${i}.bias`, [inputs]) : undefined);
  }
  const parameterCount = tensors.reduce((sum, { length }) => sum + length, 0);
  return { tensors, weights, encoderBiases, decoderBiases, blockLength, parameterCount };
}

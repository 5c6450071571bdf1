// `tied-autoencoder/view`: small pictures of data, weights, codes and losses. Every function returns an SVG
// string, or draws into the given canvas context. The functions need no framework and no DOM: pages, reports
// and servers use the same ones. Importing this file has no side effects.

export { type CodesOptions, drawCodes } from "./view/codes.ts";
export { drawErrors, type ErrorsOptions } from "./view/errors.ts";
export { drawFilters, type FiltersOptions, type WeightInput } from "./view/filters.ts";
export { drawImages, type ImagesOptions } from "./view/images.ts";
export { drawLoss, type LossInput, type LossOptions } from "./view/loss.ts";
export type { CanvasContext, PictureOptions } from "./view/picture.ts";

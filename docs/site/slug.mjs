/**
 * The anchor of a heading in the form of GitHub, so that a link works there and on the site: lower case, without
 * punctuation, and with a hyphen for each blank.
 * @param {string} heading
 */
export const slug = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

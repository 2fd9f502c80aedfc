/** The server cannot be reached, or something before it answers. */
export class NoAnswer extends Error {}

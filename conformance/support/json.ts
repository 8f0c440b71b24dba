/** JSON as it came: cases look into replies without declaring their shape first, and say what must be there. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what a case is about to check
export type Json = any

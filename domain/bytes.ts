/** How many bytes a text is as UTF-8: what limits in bytes are compared with. */
export const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

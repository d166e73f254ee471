// What scripts and people write ends in terminals, real ones and ours: of all that a terminal obeys, only colours and styles (SGR) may pass.

/* eslint-disable no-control-regex -- control characters are what this file is about */

/**
 * Every escape sequence a terminal knows, the whole of it: SGR and other CSI, with their parameters, intermediates and final byte as
 * groups; the string kinds (OSC, DCS, APC, PM, SOS) up to their terminator; short ones. A string that does not end in its line, or a lone escape,
 * loses its introducer only: nothing may hide the rest of a line.
 */
export const ESCAPES =
	/\u001b(?:\[([0-?]*)([ -/]*)([@-~])|[\]PX^_][^\u0007\u001b\n]{0,4096}(?:\u0007|\u001b\\)|[\]PX^_[]|[ -/]*[0-~]|)/gu;

/** Controls that would act or reorder. A tab, and here also a line's end, stay. */
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** Text without escapes in it, with its controls shown as what they are; a carriage return is left out. */
export function visible(text: string): string {
	return text.replace(control, (c) => {
		const code = c.charCodeAt(0);
		if (code === 13) return '';
		if (code < 32) return String.fromCharCode(0x2400 + code);
		if (code === 127) return '\u2421';
		return `\u2039U+${code.toString(16).toUpperCase().padStart(4, '0')}\u203a`;
	});
}

/** What is left of text where nothing in it may act: no escape, no control. */
export const plainText = (text: string): string => visible(text.replace(ESCAPES, ''));

/** Whether an escape of these parts is SGR, and none of the private ones that look like it. */
export const isSgr = (
	parameters: string | undefined,
	intermediates: string | undefined,
	final: string | undefined,
): boolean => final === 'm' && intermediates === '' && /^[\d;:]*$/.test(parameters ?? '');

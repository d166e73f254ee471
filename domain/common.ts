import { z } from 'zod';

/** A row's identity: a positive 32-bit integer. */
export const Id = z.int().min(1).max(2_147_483_647);

/** A moment, as it travels: ISO 8601 in UTC with `Z`, to the millisecond. */
export const Time = z.iso
	.datetime({ offset: false, abort: true, error: 'expected an ISO 8601 time in UTC, ending in Z' })
	.overwrite((t) => new Date(t).toISOString());

// Bidirectional and zero-width characters let one name pose as another; controls break terminals and headers.
// eslint-disable-next-line no-control-regex
export const unsafeInName = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
const allUnsafeInName = new RegExp(unsafeInName, 'gu');
// eslint-disable-next-line no-control-regex
const unsafeInText = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What others wrote, for a line of a notice: nothing in it breaks out of the line, hides or turns around. */
export const plainLine = (text: string, max = 200): string =>
	text.replace(/\s+/gu, ' ').replace(allUnsafeInName, '\ufffd').trim().slice(0, max).toWellFormed();

/** A one-line name a person reads: trimmed, not empty, no control, bidirectional or zero-width character. */
export const Name = (max = 120) =>
	z
		.string()
		.trim()
		.min(1, 'must not be empty')
		.max(max)
		.refine((s) => !unsafeInName.test(s), 'must not hold control, zero-width or bidirectional characters');

/** Free text of several lines. */
export const Text = (max = 10_000) =>
	z
		.string()
		.max(max)
		.refine((s) => !unsafeInText.test(s), 'must not hold control or bidirectional characters');

/** `#rrggbb`. */
export const Color = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'expected a colour as #rrggbb');

/** Lower-case hexadecimal SHA-256. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in lower-case hexadecimal');

/** An environment variable's name. */
export const EnvName = z
	.string()
	.regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected a variable name: letters, digits and _, not starting with a digit');

/** Variables that an agent sets itself: nobody else may. */
export const isOwnVariable = (name: string): boolean => /^(PATH|HOME|LANG|UHUB_.*)$/.test(name);

/** Stamps every row has. */
export const stamps = { created_at: Time, updated_at: Time };

/** Stamps of a row that people edit: `version` grows by one at each change (optimistic concurrency). */
export const editable = { version: z.int().min(1), ...stamps };

/** A page of a list. */
export const pageOf = <T extends z.ZodType>(item: T) =>
	z.object({ items: z.array(item), next_cursor: z.string().nullable() });

/** What every list takes. */
export const ListQuery = {
	limit: z.coerce.number().int().min(1).max(200).default(50),
	cursor: z.string().max(512).optional(),
	q: z.string().trim().min(1).max(48).optional(),
};

import { z } from 'zod';
import { one, flag, text, whole } from './args.ts';
import { usage } from './failure.ts';
import type { Output } from './output.ts';
import { type Column, table } from './table.ts';

/** A page of the API has at most this many. */
const PAGE_MAX = 200;
/** Nobody reads more in a terminal; programs go on from the cursor. */
const ALL_MAX = 100_000;

/** Taken by every list. */
export const listOptions = {
	limit: whole('N', 1, ALL_MAX, 'at most so many (default 50)'),
	all: flag('all there are'),
	cursor: one('CURSOR', z.string().min(1).max(512), 'go on where a list ended (its next_cursor)'),
	search: text('TEXT', 'those that hold a text'),
};

interface Wanted {
	limit: number | undefined;
	all: boolean;
	cursor: string | undefined;
	search: string | undefined;
}

export interface Page<Item> {
	items: Item[];
	next_cursor: string | null;
}

/** One list of as many pages as it takes, as the API's own answer would be. */
export async function listed<Item>(
	{ limit = 50, all, cursor, search: q }: Wanted,
	ask: (query: { limit: number; cursor: string | undefined; q: string | undefined }) => Promise<Page<Item>>,
): Promise<Page<Item>> {
	const wanted = all ? ALL_MAX : limit;
	const items: Item[] = [];
	let next: string | null | undefined = cursor;
	do {
		const page: Page<Item> = await ask({
			limit: Math.min(PAGE_MAX, wanted - items.length),
			cursor: next ?? undefined,
			q,
		});
		items.push(...page.items);
		next = page.next_cursor;
	} while (next !== null && items.length < wanted);
	return { items, next_cursor: next };
}

/** Shows a list, and says when there is more of it. */
export function showList<Item>(out: Output, page: Page<Item>, columns: readonly Column<Item>[]): void {
	out.show(page, (style) => table(columns, page.items, style));
	if (page.next_cursor !== null && !out.json) out.note('There is more: --all, or a higher --limit.');
}

/** `K=V`, again and again: no key twice. */
export function pairs(flagName: string, texts: readonly string[]): Record<string, string> {
	const made = new Map<string, string>();
	for (const text of texts) {
		const at = text.indexOf('=');
		if (at < 1) throw usage(`${flagName}: expected NAME=VALUE, not "${text}"`);
		if (made.has(text.slice(0, at))) throw usage(`${flagName}: ${text.slice(0, at)} is given twice`);
		made.set(text.slice(0, at), text.slice(at + 1));
	}
	return Object.fromEntries(made);
}

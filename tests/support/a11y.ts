// What makes a page usable by everybody, as far as a program can see it.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** What axe has to say against the page as it is now, one line for each element: on all, on its colours, or on the rest. */
export async function complaints(page: Page, on: 'all' | 'colours' | 'the rest' = 'all'): Promise<string[]> {
	// Of what passed nothing is told: to name each of those elements takes longer than to look at it.
	const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] });
	if (on === 'colours') axe.withRules(['color-contrast']);
	else axe.withTags(TAGS);
	if (on === 'the rest') axe.disableRules(['color-contrast']);
	const { violations } = await axe.analyze();
	return violations.flatMap(({ id, nodes }) =>
		nodes
			// A cell of a calendar is named by its day and holds entries: it is no control that somebody calls by its text.
			.filter(({ html }) => id !== 'label-content-name-mismatch' || !html.includes('role="gridcell"'))
			.map(({ target, html, failureSummary = '' }) => {
				const [, why = ''] = failureSummary.split('\n');
				return `${id}: ${target.join(' ')} – ${html.slice(0, 160)} – ${why.trim()}`;
			}),
	);
}

/** How many pixels the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
	page.evaluate(() => {
		const boxes = [document.documentElement, document.getElementById('main')];
		return Math.max(...boxes.map((box) => (box ? box.scrollWidth - box.clientWidth : 0)));
	});

/** How many pixels the window scrolls by itself, where it is the page's main part that does. */
export const scrolls = (page: Page): Promise<number> =>
	page.evaluate(() => {
		const { documentElement: root, body } = document;
		const main = document.getElementById('main') ?? body;
		return getComputedStyle(main).overflowY === 'auto' ? root.scrollHeight - root.clientHeight : 0;
	});

/** Every text somebody reads or hears in the page's language: text, names, placeholders. */
export const texts = (page: Page): Promise<string[]> =>
	page.evaluate(() => {
		const found = new Set<string>([document.title]);
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		while (walker.nextNode()) {
			const { parentElement, textContent } = walker.currentNode;
			if (parentElement?.closest('[lang]') === document.documentElement)
				found.add(textContent?.trim().replace(/\s+/g, ' ') ?? '');
		}
		for (const name of ['aria-label', 'placeholder', 'title', 'alt'])
			for (const element of document.querySelectorAll(`[${name}]`)) found.add(element.getAttribute(name) ?? '');
		return [...found].filter((text) => text !== '');
	});

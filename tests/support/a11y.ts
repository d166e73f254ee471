// What makes a page usable by everybody, as far as a program can see it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

declare global {
	interface Window {
		axe?: { run(of: Document, options: RunOptions): Promise<AxeResults> };
	}
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const RULES = {
	all: { runOnly: TAGS },
	colours: { runOnly: ['color-contrast'] },
	'the rest': { runOnly: TAGS, rules: { 'color-contrast': { enabled: false } } },
} as const satisfies Record<string, RunOptions>;

/** What axe has to say against the page as it is now, one line for each element: on all, on its colours, or on the rest. */
export async function complaints(page: Page, on: keyof typeof RULES = 'all'): Promise<string[]> {
	// Once for each page: it is larger than all that is looked at.
	if (!(await page.evaluate(() => window.axe !== undefined))) await page.evaluate(AXE);
	const violations = await page.evaluate(async (rules) => {
		// Colours go over into those of another theme.
		do await new Promise(requestAnimationFrame);
		while (document.getAnimations().some(({ playState }) => playState === 'running'));
		// Of what passed nothing is told: to name each of those elements takes longer than to look at it.
		const results = await window.axe?.run(document, { ...rules, resultTypes: ['violations'] });
		return results?.violations.map(({ id, nodes }) => ({
			id,
			nodes: nodes.map(({ target, html, failureSummary = '' }) => ({ target: target.join(' '), html, failureSummary })),
		}));
	}, RULES[on]);
	if (!violations) throw new Error('axe did not run');
	return violations.flatMap(({ id, nodes }) =>
		nodes
			// A cell of a calendar is named by its day and holds entries: it is no control that somebody calls by its text.
			.filter(({ html }) => id !== 'label-content-name-mismatch' || !html.includes('role="gridcell"'))
			.map(({ target, html, failureSummary }) => {
				const [, why = ''] = failureSummary.split('\n');
				return `${id}: ${target} – ${html.slice(0, 160)} – ${why.trim()}`;
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

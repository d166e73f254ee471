// Browsers of Chromium that a test leaves to the next one: to make a new one takes a machine of two cores longer than most of
// what is done in it.
import type { BrowserContextOptions, Page } from '@playwright/test';

/** Pages that nobody uses, by what their browsers were made with. */
const idle = new Map<string, Page[]>();

/** What a test may have listened to. */
const HEARD = [
	'console',
	'dialog',
	'download',
	'pageerror',
	'request',
	'requestfailed',
	'response',
	'websocket',
] as const;

/** A page whose browser knows nothing yet: no cookie, nothing stored, nobody's mouse over it. `made` where none was left. */
export async function borrow(options: BrowserContextOptions, made: () => Promise<Page>): Promise<Page> {
	const left = idle.get(JSON.stringify(options))?.pop();
	if (!left) return made();
	if (options.viewport) await left.setViewportSize(options.viewport);
	return left;
}

/**
 * Leaves it to the next test that asks for one with these options. What stays in a browser for good (a clock of its own, a script
 * that is added to its pages, a WebSocket that is answered in its place) must not have been done to it.
 */
export async function giveBack(page: Page, options: BrowserContextOptions): Promise<void> {
	const context = page.context();
	for (const other of context.pages()) if (other !== page) await other.close();
	await page.unrouteAll({ behavior: 'ignoreErrors' });
	for (const event of HEARD) page.removeAllListeners(event);
	await page.mouse.move(-1, -1);
	// The app is gone with its sockets and its forms; what it stored is still reached from here.
	await page.goto('/favicon.svg');
	await page.evaluate(() => {
		localStorage.clear();
		sessionStorage.clear();
	});
	await context.clearCookies();
	const key = JSON.stringify(options);
	idle.set(key, [...(idle.get(key) ?? []), page]);
}

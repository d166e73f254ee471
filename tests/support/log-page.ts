// The log of a run page, as somebody in front of it sees it.
import { expect, type Locator, type Page } from '@playwright/test';

export class LogPage {
	readonly page: Page;
	readonly log: Locator;
	readonly viewport: Locator;

	constructor(page: Page) {
		this.page = page;
		this.log = page.getByRole('region', { name: 'Log', exact: true });
		this.viewport = this.log.getByRole('group', { name: 'Lines of the log' });
	}

	/** The row of a line, there only while it is near the view. */
	row(line: number): Locator {
		return this.viewport.locator(`[data-line="${String(line)}"]`);
	}

	/** All rows that are drawn now. */
	get rows(): Locator {
		return this.viewport.locator('[data-line]');
	}

	/** Brings a line to the upper edge, as the scroll bar does. */
	async scrollTo(line: number): Promise<void> {
		await this.viewport.evaluate((element, top) => (element.scrollTop = top), (line - 1) * 20);
	}

	text(line: number): Locator {
		return this.row(line).locator('.text');
	}

	/** How the run stands. */
	get status(): Locator {
		return this.page.getByRole('status').first();
	}

	async search(text: string): Promise<void> {
		const box = this.log.getByRole('searchbox', { name: 'Search the whole log' });
		await box.fill(text);
		await box.press('Enter');
	}

	/** `2 / 7`: which of the matches is looked at. */
	get hits(): Locator {
		return this.log.getByRole('search').getByRole('status');
	}

	/** The texts of lines 1 to `count`, read by scrolling through them all. */
	async read(count: number): Promise<string[]> {
		const texts: string[] = [];
		for (let line = 1; line <= count;) {
			await this.scrollTo(line);
			await expect(this.row(line)).not.toHaveClass(/waiting/);
			const shown = await this.viewport
				.locator('[data-line]:not(.waiting)')
				.evaluateAll((rows) =>
					rows.map(
						(row) => [Number(row.getAttribute('data-line')), row.querySelector('.text')?.textContent ?? ''] as const,
					),
				);
			const byLine = new Map(shown);
			for (let text = byLine.get(line); text !== undefined && line <= count; text = byLine.get(line)) {
				texts.push(text);
				line++;
			}
		}
		return texts;
	}
}

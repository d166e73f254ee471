// The calendar where much happens at once, on every screen: planted entries, far from what the demo plans.
import type { Page } from '@playwright/test';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

/** A Wednesday. */
const DAY = '2040-06-13';

/** Nine at once for four hours, and three short ones after each other. */
async function crowded(): Promise<string> {
	const admin = await apiOf('admin');
	const project = await admin.ok('POST', '/api/projects', { name: `Crowded ${String(Date.now())}` });
	const at = `/api/projects/${String(project.id)}/events`;
	const plant = (title: string, start: string, end: string) =>
		admin.ok('POST', at, { title, event_type: 'meeting', start: `${DAY}T${start}:00Z`, end: `${DAY}T${end}:00Z` });
	for (let n = 1; n <= 9; n++) await plant(`Beside ${String(n)}`, '08:00', '12:00');
	for (const [n, start, end] of [
		[1, '13:00', '13:10'],
		[2, '13:10', '13:15'],
		[3, '13:20', '13:30'],
	] as const)
		await plant(`Short ${String(n)}`, start, end);
	return `/projects/${String(project.id)}/calendar?view=timeGridWeek&date=${DAY}`;
}

/** The shortest stretch, across or down, of an entry in the hours that a finger can hit. */
const smallest = (page: Page): Promise<number> =>
	page.locator('.entry-block').evaluateAll((entries) => {
		let hit = Infinity;
		for (const entry of entries) {
			entry.scrollIntoView({ block: 'center' });
			const box = entry.getBoundingClientRect();
			const mine = (x: number, y: number) => entry.contains(document.elementFromPoint(x, y));
			const count = (length: number, at: (i: number) => boolean) =>
				Array.from({ length: Math.round(length) }, (_, i) => at(i + 0.5)).filter(Boolean).length;
			hit = Math.min(
				hit,
				count(box.width, (i) => mine(box.left + i, box.top + box.height / 2)),
				count(box.height, (i) => mine(box.left + 2, box.top + i)),
			);
		}
		return hit;
	});

test('where much happens at once, each entry can be hit, and "+ more" holds the rest', async ({ open }) => {
	const { page } = await open('admin');
	const address = await crowded();
	for (const width of [320, 360, 700, 1280]) {
		await page.setViewportSize({ width, height: 800 });
		await page.goto(address);
		await expect(page.locator('.entry-block').first()).toBeVisible();
		await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
		const at = `${String(width)} px`;
		expect.soft(await overflow(page), at).toBeLessThanOrEqual(0);
		await expect.poll(() => smallest(page), { message: at }).toBeGreaterThanOrEqual(24);

		// What is not drawn is one press away, whole on the screen.
		const drawn = await page.locator('.entry-block').filter({ hasText: 'Beside' }).count();
		const more = page.locator('.lane-more').first();
		await expect.soft(more, at).toContainText(String(9 - drawn));
		await more.press('Enter');
		const rest = page.getByRole('dialog');
		await expect.soft(rest.getByText('Beside'), at).toHaveCount(9 - drawn);
		await expect.soft(rest, at).toBeInViewport({ ratio: 1 });
		expect.soft(await complaints(page, 'the rest'), at).toEqual([]);
		await page.keyboard.press('Escape');
		await expect(rest).toHaveCount(0);
	}
});

test('a phone shows three days of hours, a wide window seven, and turning it changes them', async ({ open }) => {
	const { page } = await open('admin', { viewport: { width: 360, height: 740 } });
	await page.goto(`/calendar?view=timeGridWeek&date=${DAY}`);
	await expect(page.getByRole('columnheader')).toHaveCount(3);
	await expect(page.getByRole('radio', { name: '3 days' })).toBeVisible();
	await page.getByRole('button', { name: 'Later' }).click();
	await expect(page).toHaveURL(/date=2040-06-16/);
	await page.setViewportSize({ width: 1280, height: 900 });
	await expect(page.getByRole('columnheader')).toHaveCount(7);
});

// What every page owes its people: the look and the language they chose, all of it by keyboard, filters in the address, and
// nothing lost when two edit at once.
import type { Page } from '@playwright/test';
import { z } from 'zod';
import { FIRST_LOAD_MAX, firstLoad } from '#tests/support/first-load.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

const Rows = z.object({ items: z.tuple([z.object({ id: z.number() })], z.unknown()) });

async function visit(page: Page, path: string) {
	await page.goto(path);
	await expect(page.locator('main h1')).toBeVisible();
	await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

test('on a phone the way to everywhere is in the drawer', async ({ open }) => {
	const { page } = await open('admin', { viewport: { width: 360, height: 740 } });
	await visit(page, '/');
	await page.getByRole('button', { name: 'Navigation' }).click();
	await page.getByRole('link', { name: 'Fleet' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Fleet' })).toBeVisible();
});

test('the language and the theme change in place, and are kept', async ({ open }) => {
	const { page } = await open('projets');
	await visit(page, '/runs');
	await page.getByRole('button', { name: /^Language/ }).click();
	await page.getByRole('menuitemradio', { name: 'Français' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Exécutions' })).toBeVisible();
	await page.getByRole('button', { name: 'Thème' }).click();
	await page.getByRole('menuitemradio', { name: 'Clair' }).click();
	await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
	await expect.poll(async () => (await (await apiOf('projets')).get('/api/auth/me')).theme).toBe('light');
	await page.reload();
	await expect(page.getByRole('heading', { level: 1, name: 'Exécutions' })).toBeVisible();
	await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
});

test('all of it by keyboard: places, rows, the palette; a dialog gives the focus back', async ({ open }) => {
	const { page } = await open('admin');
	await visit(page, '/');
	await page.keyboard.press('Tab');
	await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
	await page.keyboard.press('g');
	await page.keyboard.press('r');
	await expect(page).toHaveURL(/\/runs$/);
	await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();
	await page.keyboard.press('j');
	await page.keyboard.press('j');
	await expect(page.locator('main [data-row]').nth(1)).toBeFocused();
	await page.keyboard.press('k');
	await expect(page.locator('main [data-row]').nth(0)).toBeFocused();

	await page.keyboard.press('Control+k');
	const palette = page.getByRole('combobox', { name: 'Search or run' });
	await expect(palette).toBeFocused();
	await palette.fill('calen');
	await expect(page.getByRole('option', { name: 'Calendar' })).toHaveAttribute('aria-selected', 'true');
	await page.keyboard.press('Escape');
	await expect(page.locator('main [data-row]').nth(0)).toBeFocused();
	await page.keyboard.press('Control+k');
	await palette.fill('calen');
	await expect(page.getByRole('option', { name: 'Calendar' })).toHaveAttribute('aria-selected', 'true');
	await page.keyboard.press('Enter');
	await expect(page).toHaveURL(/\/calendar$/);
});

test('a filter is in the address, and a reload keeps it', async ({ open }) => {
	const { page } = await open('admin');
	await visit(page, '/runs');
	await page.getByRole('combobox', { name: 'Status' }).selectOption('failed');
	await expect(page).toHaveURL(/status=failed/);
	await page.reload();
	await expect(page.getByRole('combobox', { name: 'Status' })).toHaveValue('failed');
	await expect(page.locator('main [data-row]').first()).toContainText('Failed');
	expect(await page.locator('main [data-row]').filter({ hasNotText: 'Failed' }).count()).toBe(0);
});

test('a first page loads no more scripts than it needs', async ({ open }) => {
	// Somebody who is told nothing meanwhile: what news brings along is fetched when it comes.
	const [dev, stranger] = [await open('dev'), await open(null)];
	for (const [{ page }, address] of [
		[dev, '/'],
		[stranger, '/sign-in'],
	] as const) {
		const { bytes, files } = await firstLoad(page, address);
		expect(bytes, files.join(', ')).toBeLessThanOrEqual(FIRST_LOAD_MAX);
	}
});

test('two edit the same job: the second is told who changed what, and nothing typed is lost', async ({ open }) => {
	const admin = await apiOf('admin');
	const [project] = Rows.parse(await admin.get('/api/projects?limit=1')).items;
	const job = await admin.ok('POST', `/api/projects/${String(project.id)}/jobs`, {
		title: 'Two hands',
		job_type: 'ops',
	});
	const { page, faults } = await open('admin', { alone: true });
	// The rooms are heard of only when the other has saved: that is what makes the page load the job anew, whoever is quicker.
	const saved = Promise.withResolvers<null>();
	await page.routeWebSocket(/\/live\/projects\//, (socket) => {
		socket.connectToServer().onMessage(
			(message) =>
				void saved.promise.then(() => {
					socket.send(message);
				}),
		);
	});
	await visit(page, `/jobs/${String(job.id)}/edit`);
	await page.getByLabel('Title').fill('Two hands, mine');
	// The page hears of it and loads the job anew, which must not make mine look as if it came after theirs.
	const heard = page.waitForResponse((response) => response.url().endsWith(`/api/jobs/${String(job.id)}`));
	await admin.ok(
		'PATCH',
		`/api/jobs/${String(job.id)}`,
		{ priority: 'high' },
		{ 'if-match': `"v${String(job.version)}"` },
	);
	saved.resolve(null);
	await heard;
	await page.getByRole('button', { name: 'Save' }).click();

	const alert = page.getByRole('alert').filter({ hasText: 'Somebody changed this meanwhile' });
	await expect(alert).toContainText('priority');
	await expect(page.getByLabel('Title')).toHaveValue('Two hands, mine');
	await alert.getByRole('button', { name: 'Apply mine again' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Two hands, mine' })).toBeVisible();
	// Only what was changed here was written: the other's change stands.
	expect(await admin.get(`/api/jobs/${String(job.id)}`)).toMatchObject({ title: 'Two hands, mine', priority: 'high' });
	// The browser itself tells of the refusal, which was meant.
	expect(faults.splice(0)).toEqual([expect.stringContaining('412')]);
});

test('a page begins at its top, and who goes back finds it where they left it', async ({ open }) => {
	const { page } = await open('dev', { viewport: { width: 1280, height: 500 } });
	const main = page.locator('main');
	const scrolled = () => main.evaluate((element) => element.scrollTop);
	await page.goto('/');
	await expect(page.getByRole('heading', { level: 1, name: 'Home' })).toBeVisible();
	await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
	await main.evaluate((element) => {
		element.scrollTop = 150;
	});
	await page.getByRole('link', { name: 'Calendar', exact: true }).first().click();
	await expect(page.getByRole('heading', { level: 1, name: 'Calendar' })).toBeVisible();
	expect(await scrolled()).toBe(0);
	await page.goBack();
	await expect(page.getByRole('heading', { level: 1, name: 'Home' })).toBeVisible();
	await expect.poll(scrolled).toBe(150);
});

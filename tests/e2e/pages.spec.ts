// Every page, in every theme, in both languages, wide and narrow, by eye (axe) and by keyboard.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { z } from 'zod';
import { apiOf, expect, test } from '#tests/support/people.ts';

/** Beside the dark one, which every page opens in. */
const THEMES = ['light', 'contrast', 'terminal'] as const;
/** The narrowest phone that is promised. */
const NARROW = 360;

const Rows = z.object({ items: z.tuple([z.object({ id: z.number() })], z.unknown()) });

interface Place {
	path: string;
	/** Its heading in English and in French; null where the heading is a name that people gave. */
	heading: [string, string] | null;
}

/** The pages of the demo hub, with rows that are there. */
async function places(): Promise<Place[]> {
	const admin = await apiOf('admin');
	const first = async (path: string) => String(Rows.parse(await admin.get(path)).items[0].id);
	const project = await first('/api/projects?limit=1');
	const job = await first(`/api/projects/${project}/jobs?limit=1`);
	const failed = await first('/api/runs?status=failed&limit=1');
	const script = await first(`/api/projects/${project}/scripts?limit=1`);
	const agent = await first('/api/agents?limit=1');
	return [
		{ path: '/', heading: ['Home', 'Accueil'] },
		{ path: '/runs', heading: ['Runs', 'Exécutions'] },
		{ path: `/runs/${failed}`, heading: null },
		{ path: '/calendar', heading: ['Calendar', 'Calendrier'] },
		{ path: '/calendar?view=timeGridWeek', heading: ['Calendar', 'Calendrier'] },
		{ path: '/calendar?view=listWeek', heading: ['Calendar', 'Calendrier'] },
		{ path: '/fleet', heading: ['Fleet', 'Parc'] },
		{ path: `/fleet/${agent}`, heading: null },
		{ path: '/audit', heading: ['Audit', 'Audit'] },
		{ path: `/projects/${project}`, heading: null },
		{ path: `/projects/${project}/jobs`, heading: ['Jobs', 'Tâches'] },
		{ path: `/projects/${project}/jobs/new`, heading: ['New job', 'Nouvelle tâche'] },
		{ path: `/projects/${project}/runs`, heading: ['Runs', 'Exécutions'] },
		{ path: `/projects/${project}/calendar`, heading: ['Calendar', 'Calendrier'] },
		{ path: `/projects/${project}/scripts`, heading: ['Scripts', 'Scripts'] },
		{ path: `/projects/${project}/scripts/new`, heading: ['New script', 'Nouveau script'] },
		{ path: `/projects/${project}/settings`, heading: ['Settings', 'Réglages'] },
		{ path: '/projects/new', heading: ['New project', 'Nouveau projet'] },
		{ path: `/jobs/${job}`, heading: null },
		{ path: `/jobs/${job}/edit`, heading: ['Edit the job', 'Modifier la tâche'] },
		{ path: `/scripts/${script}`, heading: null },
	];
}

async function visit(page: Page, path: string) {
	await page.goto(path);
	await expect(page.locator('main h1')).toBeVisible();
	// The calendar's grid says when its entries are there.
	await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

/** What axe finds against WCAG 2.2 AA, in words that name the place. */
async function findings(page: Page): Promise<string[]> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
		// FullCalendar names a day's cell by its date, and the cell shows the day's number: an experimental rule minds that.
		.disableRules(['label-content-name-mismatch'])
		.analyze();
	return violations.flatMap(({ id, nodes }) =>
		nodes.map((n) => `${id}: ${n.target.join(' ')} ${n.failureSummary ?? ''}`),
	);
}

test('axe finds nothing on any page, in any theme', async ({ open }) => {
	test.setTimeout(240_000);
	const { page } = await open('admin', { reducedMotion: 'reduce' });
	for (const { path } of await places()) {
		await visit(page, path);
		expect(await findings(page), path).toEqual([]);
		// A theme changes values, never rules: what may break in the others is contrast.
		for (const theme of THEMES) {
			await page.evaluate((name) => (document.documentElement.dataset.theme = name), theme);
			const { violations } = await new AxeBuilder({ page }).withRules(['color-contrast']).analyze();
			expect(
				violations.flatMap((v) => v.nodes.map((n) => n.failureSummary)),
				`${path} in ${theme}`,
			).toEqual([]);
		}
	}
});

test('axe finds nothing in the dialogs, and on the page of a stranger', async ({ open }) => {
	const { page } = await open('admin', { reducedMotion: 'reduce' });
	const stranger = await open(null, { reducedMotion: 'reduce' });
	await stranger.page.goto('/sign-in');
	await expect(stranger.page.getByRole('heading', { level: 1 })).toBeVisible();
	expect(await findings(stranger.page)).toEqual([]);

	await visit(page, '/calendar');
	await page.getByRole('button', { name: 'Plan', exact: true }).click();
	await expect(page.getByRole('dialog')).toBeVisible();
	expect(await findings(page)).toEqual([]);

	await visit(page, '/');
	await page.keyboard.press('?');
	await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
	expect(await findings(page)).toEqual([]);
	await page.keyboard.press('Escape');
	await page.keyboard.press('Control+k');
	await expect(page.getByRole('option').first()).toBeVisible();
	expect(await findings(page)).toEqual([]);
});

test('every page speaks both languages, and has a title of its own', async ({ open }) => {
	test.slow();
	for (const [i, locale] of (['en', 'fr'] as const).entries()) {
		const { page } = await open('admin', { locale });
		const titles = new Set<string>();
		for (const { path, heading } of await places()) {
			await visit(page, path);
			await expect(page.locator('html')).toHaveAttribute('lang', locale);
			if (heading) await expect(page.locator('main h1')).toHaveText(heading[i] ?? '');
			await expect(page).toHaveTitle(/uHub$/);
			titles.add(`${await page.title()} ${path.replace(/\?.*/, '')}`);
		}
		expect(titles.size).toBeGreaterThan(15);
	}
});

test('no page is wider than the narrowest phone', async ({ open }) => {
	test.slow();
	const { page } = await open('admin', { viewport: { width: NARROW, height: 740 } });
	for (const { path } of await places()) {
		await visit(page, path);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		expect(wide, path).toBeLessThanOrEqual(NARROW);
		const main = await page.locator('main').evaluate((m) => m.scrollWidth - m.clientWidth);
		expect(main, path).toBeLessThanOrEqual(0);
	}
	// The way to everywhere, and the look, are in the drawer.
	await page.getByRole('button', { name: 'Navigation' }).click();
	await expect(page.getByRole('link', { name: 'Fleet' })).toBeVisible();
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

test('two edit the same job: the second is told who changed what, and nothing typed is lost', async ({ open }) => {
	const admin = await apiOf('admin');
	const [project] = Rows.parse(await admin.get('/api/projects?limit=1')).items;
	const job = await admin.ok('POST', `/api/projects/${String(project.id)}/jobs`, {
		title: 'Two hands',
		job_type: 'ops',
	});
	const { page, faults } = await open('admin');
	await visit(page, `/jobs/${String(job.id)}/edit`);
	await page.getByLabel('Title').fill('Two hands, mine');
	await admin.ok(
		'PATCH',
		`/api/jobs/${String(job.id)}`,
		{ priority: 'high' },
		{ 'if-match': `"v${String(job.version)}"` },
	);
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

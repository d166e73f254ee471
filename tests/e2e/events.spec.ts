// Entries of the calendar that are no jobs: made, changed, moved, made longer and removed; and what comes again.
import type { Locator, Page } from '@playwright/test';
import { complaints, overflow } from '#tests/support/a11y.ts';
import type { Api } from '#tests/support/api.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

interface World {
	admin: Api;
	project: number;
	environment: number;
	page: (view: string, date: string) => string;
}

/** A project of its own, far from what the demo plans. */
async function world(): Promise<World> {
	const admin = await apiOf('admin');
	const project = (await admin.ok('POST', '/api/projects', { name: `Events ${String(Date.now())}` })).id as number;
	const of = `/api/projects/${String(project)}`;
	const environment = (await admin.ok('POST', `${of}/environments`, { name: 'lab', type: 'test' })).id as number;
	return {
		admin,
		project,
		environment,
		page: (view, date) => `/projects/${String(project)}/calendar?view=${view}&date=${date}`,
	};
}
const plant = ({ admin, project }: World, fields: object) =>
	admin.ok('POST', `/api/projects/${String(project)}/events`, { event_type: 'meeting', ...fields });
const rows = async ({ admin, project }: World) =>
	(await admin.get(`/api/projects/${String(project)}/events`)).items as Record<string, unknown>[];

/** The last cell of a day is the one with hours; a month has one only. */
const cellOf = (page: Page, day: string) =>
	page
		.getByRole('gridcell')
		.and(page.locator(`[data-date="${day}"]`))
		.last();
const entryIn = (page: Page, day: string, title: string) => cellOf(page, day).getByRole('button', { name: title });
const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Calendar entry' });

const openEntry = async (page: Page, day: string, title: string) => {
	await entryIn(page, day, title).click();
	await expect(page.getByRole('dialog')).toBeVisible();
};

/** Presses at one place of an element and lets go at another, in hours of the day. */
async function draw(page: Page, day: Locator, from: number, to: number) {
	await day.scrollIntoViewIfNeeded();
	const { height = 0 } = (await day.boundingBox()) ?? {};
	await day.hover({ position: { x: 20, y: (height * from) / 24 } });
	await page.mouse.down();
	await day.hover({ position: { x: 20, y: (height * to) / 24 } });
	await page.mouse.up();
}

test('an entry is drawn, filled in, changed, removed, and put back as it was', async ({ open }) => {
	const here = await world();
	const { page } = await open('admin');
	await page.goto(here.page('timeGridWeek', '2040-06-11'));
	await draw(page, cellOf(page, '2040-06-13'), 10.1, 11.9);
	const made = page.getByRole('dialog', { name: 'Plan' });
	await made.getByLabel('Title').fill('Board');
	await made.getByLabel('Environment').selectOption('lab');
	await made.getByLabel('Who is to be there').selectOption('Dev Martin');
	await made.getByLabel('A colour of its own').check();
	await made.getByLabel('Colour', { exact: true }).fill('#a04020');
	// What was typed is not lost by Escape.
	await page.keyboard.press('Escape');
	await expect(made).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await made.getByRole('button', { name: 'Create' }).click();
	await expect(entryIn(page, '2040-06-13', 'Board')).toBeVisible();
	const [row = {}] = await rows(here);
	expect(row).toMatchObject({
		...{ title: 'Board', color: '#a04020', environment_id: here.environment, attendees: [expect.any(Number)] },
		...{ start: '2040-06-13T08:00:00.000Z', end: '2040-06-13T10:00:00.000Z', recurrence: null },
	});

	await openEntry(page, '2040-06-13', 'Board');
	const changed = dialogOf(page);
	await expect(changed.getByLabel('Colour', { exact: true })).toHaveValue('#a04020');
	await expect(changed.getByLabel('Environment')).toHaveValue(String(here.environment));
	// Nothing was typed: Escape closes.
	await page.keyboard.press('Escape');
	await expect(changed).toHaveCount(0);
	await openEntry(page, '2040-06-13', 'Board');
	await changed.getByLabel('Title').fill('Board, at length');
	await changed.getByLabel('End', { exact: true }).fill('2040-06-13T13:30');
	await changed.getByRole('button', { name: 'Save' }).click();
	await expect(entryIn(page, '2040-06-13', 'Board, at length')).toBeVisible();
	const [longer = {}] = await rows(here);
	expect(longer).toMatchObject({ title: 'Board, at length', start: row.start, end: '2040-06-13T11:30:00.000Z' });

	await openEntry(page, '2040-06-13', 'Board');
	await changed.getByRole('button', { name: 'Delete' }).click();
	await expect(entryIn(page, '2040-06-13', 'Board')).toHaveCount(0);
	expect(await rows(here)).toEqual([]);
	await page.getByRole('button', { name: 'Undo' }).click();
	await expect(entryIn(page, '2040-06-13', 'Board, at length')).toBeVisible();
	const { title, color, start, end, environment_id, attendees } = longer;
	expect(await rows(here)).toMatchObject([{ title, color, start, end, environment_id, attendees }]);
});

test('an entry is dragged to another day, made longer by its edge, and made to last whole days', async ({ open }) => {
	const here = await world();
	await plant(here, { title: 'Walk', start: '2040-06-12T08:00:00Z', end: '2040-06-12T10:00:00Z' });
	const { page } = await open('admin');
	await page.goto(here.page('dayGridMonth', '2040-06-11'));
	await entryIn(page, '2040-06-12', 'Walk').dragTo(cellOf(page, '2040-06-14'));
	await expect(entryIn(page, '2040-06-14', 'Walk')).toBeVisible();
	await expect.poll(() => rows(here)).toMatchObject([{ start: '2040-06-14T08:00:00.000Z', version: 2 }]);

	await page.goto(here.page('timeGridWeek', '2040-06-11'));
	const entry = entryIn(page, '2040-06-14', 'Walk');
	await entry.scrollIntoViewIfNeeded();
	await entry.hover();
	const box = await entry.boundingBox();
	const day = cellOf(page, '2040-06-14');
	const { y = 0, height = 0 } = (await day.boundingBox()) ?? {};
	await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) - 2);
	await page.mouse.down();
	await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, y + (height * 13.9) / 24, { steps: 8 });
	await page.mouse.up();
	await expect
		.poll(() => rows(here))
		.toMatchObject([{ start: '2040-06-14T08:00:00.000Z', end: '2040-06-14T12:00:00.000Z', version: 3 }]);

	await entry.click();
	const dialog = dialogOf(page);
	await dialog.getByLabel('All day').check();
	await dialog.getByLabel('First day').fill('2040-06-13');
	await dialog.getByLabel('Last day').fill('2040-06-14');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(dialog).toHaveCount(0);
	const whole = { all_day: true, start: '2040-06-12T22:00:00.000Z', end: '2040-06-14T22:00:00.000Z' };
	expect(await rows(here)).toMatchObject([whole]);
	await page.goto(here.page('dayGridMonth', '2040-06-11'));
	await page.getByRole('button', { name: 'Walk' }).dragTo(cellOf(page, '2040-06-20'));
	await expect
		.poll(async () => (await rows(here)).map(({ all_day, version }) => [all_day, version]))
		.toEqual([[true, 5]]);
	expect(Date.parse(String((await rows(here))[0]?.end)) - Date.parse(String((await rows(here))[0]?.start))).toBe(
		2 * 86_400_000,
	);
});

test('who was slower keeps what they typed, is told what changed, and applies it again', async ({ open }) => {
	const here = await world();
	const event = await plant(here, { title: 'Race', start: '2040-06-12T08:00:00Z', end: '2040-06-12T10:00:00Z' });
	const { page, faults } = await open('admin');
	await page.goto(here.page('timeGridWeek', '2040-06-11'));
	await openEntry(page, '2040-06-12', 'Race');
	const dialog = dialogOf(page);
	await dialog.getByLabel('Title').fill('Race, mine');
	const path = `/api/events/${String(event.id)}`;
	await here.admin.ok('PATCH', path, { event_type: 'maintenance' }, { 'if-match': '"v1"' });
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(dialog.getByRole('alert')).toContainText('event_type');
	await expect(dialog.getByLabel('Title')).toHaveValue('Race, mine');
	await dialog.getByRole('button', { name: 'Apply mine again' }).click();
	await expect(entryIn(page, '2040-06-12', 'Race, mine')).toBeVisible();
	expect(await rows(here)).toMatchObject([{ title: 'Race, mine', event_type: 'maintenance', version: 3 }]);
	expect(faults.splice(0)).toEqual([expect.stringContaining('412')]);
});

test('what recurs keeps its hour when clocks are moved; one time of it is left out, and put back', async ({ open }) => {
	const here = await world();
	const { page } = await open('admin');
	await page.goto(here.page('dayGridMonth', '2031-03-15'));
	// By keyboard: from the button to the saved entry.
	await page.getByRole('button', { name: 'Plan', exact: true }).press('Enter');
	const dialog = page.getByRole('dialog', { name: 'Plan' });
	await expect(dialog.getByLabel('Title')).toBeFocused();
	await page.keyboard.type('Weekly');
	await dialog.getByLabel('Start', { exact: true }).fill('2031-03-19T09:00');
	await dialog.getByLabel('End', { exact: true }).fill('2031-03-19T10:00');
	await dialog.getByLabel('Repeats').selectOption('By weeks');
	await expect(dialog.getByLabel('Time zone')).toHaveValue('Europe/Paris');
	await expect(dialog.getByLabel('Wed')).toBeDisabled();
	await dialog.getByLabel('Fri').check();
	await expect(dialog.getByText(/^Then: .*21 Mar 2031, 09:00 · .*26 Mar 2031, 09:00 · /)).toBeVisible();
	await dialog.getByLabel('Fri').uncheck();
	await expect(dialog.getByText(/^Then: .*26 Mar 2031, 09:00 · .*2 Apr 2031, 09:00 · /)).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await dialog.getByLabel('Title').press('Enter');
	await expect(dialog).toHaveCount(0);
	const days = ['2031-03-19', '2031-03-26', '2031-04-02'];
	for (const day of days) await expect(entryIn(page, day, 'Weekly')).toContainText('09:00');
	expect(await rows(here)).toMatchObject([
		{
			start: '2031-03-19T08:00:00.000Z',
			recurrence: { rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Paris', exdates: [] },
		},
	]);

	await entryIn(page, '2031-03-26', 'Weekly').press('Enter');
	const series = dialogOf(page);
	await expect(series.getByText('This recurs')).toBeVisible();
	await expect(series.getByLabel('Start', { exact: true })).toHaveValue('2031-03-19T09:00');
	await series.getByRole('button', { name: 'Leave out this time' }).click();
	await expect(entryIn(page, '2031-03-26', 'Weekly')).toHaveCount(0);
	await expect(entryIn(page, '2031-04-02', 'Weekly')).toBeVisible();
	await page.getByRole('button', { name: 'Undo' }).click();
	await expect(entryIn(page, '2031-03-26', 'Weekly')).toBeVisible();

	// The whole series moves by an hour, and ends.
	await openEntry(page, '2031-04-02', 'Weekly');
	await series.getByLabel('Start', { exact: true }).fill('2031-03-19T11:00');
	await series.getByLabel('End', { exact: true }).fill('2031-03-19T12:00');
	await series.getByLabel('Ends').selectOption('After a number of times');
	await series.getByLabel('How many in all').fill('2');
	await series.getByRole('button', { name: 'Save' }).click();
	await expect(entryIn(page, '2031-04-02', 'Weekly')).toHaveCount(0);
	for (const day of ['2031-03-19', '2031-03-26']) await expect(entryIn(page, day, 'Weekly')).toContainText('11:00');
});

test('a rule that cannot be is refused at its field; on a phone and in French it is all there', async ({ open }) => {
	const here = await world();
	await plant(here, {
		...{ title: 'Mensuelle', start: '2031-03-31T08:00:00Z', end: '2031-03-31T09:00:00Z' },
		recurrence: { rrule: 'FREQ=MONTHLY;BYDAY=-1MO', time_zone: 'Europe/Paris' },
	});
	const { page, faults } = await open('admin', { locale: 'fr', viewport: { width: 360, height: 740 } });
	await page.goto(here.page('dayGridMonth', '2031-04-28'));
	await openEntry(page, '2031-04-28', 'Mensuelle');
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByLabel('Se répète')).toHaveValue('MONTHLY');
	await expect(dialog.getByLabel('Le', { exact: true })).toHaveValue('last');
	await expect(dialog.getByRole('option', { name: 'dernier lundi' })).toHaveCount(1);
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	expect(await complaints(page)).toEqual([]);
	await dialog.getByLabel('Se répète').selectOption('Selon une règle à elle');
	const rule = dialog.getByLabel('Règle', { exact: true });
	await rule.fill('FREQ=SECONDLY');
	await dialog.getByRole('button', { name: 'Enregistrer' }).click();
	await expect(rule).toHaveAccessibleDescription(/FREQ doit être/);
	await rule.fill('FREQ=MONTHLY;BYDAY=1MO');
	await dialog.getByRole('button', { name: 'Enregistrer' }).click();
	await expect(rule).toHaveAccessibleDescription(/7 avril 2031/);
	expect(faults.splice(0)).toEqual([expect.stringContaining('400')]);
	await rule.fill('FREQ=MONTHLY;BYMONTHDAY=-1');
	await dialog.getByRole('button', { name: 'Enregistrer' }).click();
	await expect(dialog).toHaveCount(0);
	await expect(entryIn(page, '2031-04-30', 'Mensuelle')).toBeVisible();
});

test('a job and a freeze recur by their forms too', async ({ open }) => {
	const here = await world();
	const { page } = await open('admin');
	await page.goto(`/projects/${String(here.project)}/jobs/new`);
	await page.getByLabel('Title').fill('Nightly');
	await page.getByLabel('Planned start').fill('2031-03-28T02:30');
	await page.getByLabel('Planned end').fill('2031-03-28T02:45');
	await page.getByLabel('Repeats').selectOption('By days');
	await page.getByLabel('Start by itself at this time').check();
	await page.getByRole('button', { name: 'Create the job' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Nightly' })).toBeVisible();
	await expect(page.getByText('every day')).toBeVisible();
	await expect(page.getByText('Next start')).toBeVisible();
	// Half past two is skipped on the thirtieth: it is an hour later there.
	await page.goto(here.page('dayGridMonth', '2031-03-28'));
	await expect(entryIn(page, '2031-03-29', 'Nightly')).toContainText('02:30');
	await expect(entryIn(page, '2031-03-30', 'Nightly')).toContainText('03:30');
	await expect(entryIn(page, '2031-03-31', 'Nightly')).toContainText('02:30');

	await page.goto(`/admin/freezes?project_id=${String(here.project)}&new=1`);
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Title').fill('Quiet nights');
	await dialog.getByLabel('Project').selectOption(String(here.project));
	await dialog.getByLabel('Start', { exact: true }).fill('2031-03-28T22:00');
	await dialog.getByLabel('End', { exact: true }).fill('2031-03-29T06:00');
	await dialog.getByLabel('Repeats').selectOption('By days');
	await dialog.getByLabel('Ends').selectOption('On a day');
	await dialog.getByLabel('Until').fill('2031-04-02');
	await dialog.getByLabel('Reason').fill('people sleep');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByText('every day')).toBeVisible();
	const state = (at: string) => here.admin.get(`/api/calendar/state?project_id=${String(here.project)}&at=${at}`);
	expect(await state('2031-03-31T01:00:00Z')).toMatchObject({
		...{ open: false, reason: 'Quiet nights', next_transition: '2031-03-31T04:00:00.000Z' },
	});
	expect(await state('2031-04-04T01:00:00Z')).toMatchObject({ open: true });
	await page.goto(here.page('timeGridWeek', '2031-03-24'));
	await expect(page.locator('.freeze:not(.freeze-other)').first()).toBeVisible();
	await expect(page.getByRole('list', { name: 'Freezes shown' }).getByText('Quiet nights')).toHaveCount(1);
});

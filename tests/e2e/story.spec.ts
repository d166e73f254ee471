// The main job, end to end, as two people live it: ops plans a job and runs it, dev watches.
import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Gates } from '#tests/support/gates.ts';
import { LogPage } from '#tests/support/log-page.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

const gates = new Gates();
test.afterAll(() => {
	gates.remove();
});

/** The Monday `weeks` from now, and the days after it, as the calendar names them. */
function dayOf(weeks: number, day: number): string {
	const today = new Date();
	const at = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate(), 12));
	at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7) + 7 * weeks + day);
	return at.toISOString().slice(0, 10);
}

/** The last cell of a day is the one with hours; a month has one only. */
const cellOf = (page: Page, day: string) =>
	page
		.getByRole('gridcell')
		.and(page.locator(`[data-date="${day}"]`))
		.last();

/** A project of the demo by its name. */
async function projectId(name: string): Promise<number> {
	const { items } = (await (await apiOf('admin')).get('/api/projects?limit=200')) as {
		items: { id: number; name: string }[];
	};
	const found = items.find((p) => p.name === name);
	if (!found) throw new Error(`there is no project ${name}`);
	return found.id;
}

async function runFromJob(page: Page): Promise<void> {
	await page.getByRole('button', { name: 'Run now' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
	await expect(page).toHaveURL(/\/runs\/\d+$/);
}

test('a job is made by the form, planned by drawing on the calendar, and moved before the eyes of another', async ({
	open,
}) => {
	const project = await projectId('App');
	const [ops, dev] = [await open('ops'), await open('dev')];
	const week = (of: Page) => of.goto(`/projects/${String(project)}/calendar?view=timeGridWeek&date=${dayOf(2, 0)}`);
	await week(dev.page);
	await week(ops.page);

	// From ten to twelve on Tuesday, drawn with the mouse.
	const tuesday = cellOf(ops.page, dayOf(2, 1));
	await tuesday.scrollIntoViewIfNeeded();
	const { height } = (await tuesday.boundingBox()) ?? { height: 0 };
	await tuesday.hover({ position: { x: 20, y: (height * 10.1) / 24 } });
	await ops.page.mouse.down();
	await tuesday.hover({ position: { x: 20, y: (height * 11.9) / 24 } });
	await ops.page.mouse.up();

	const dialog = ops.page.getByRole('dialog', { name: 'Plan' });
	await dialog.getByLabel('Title').fill('Warm the caches');
	await dialog.getByLabel('Type').selectOption('A job');
	await dialog.getByRole('button', { name: 'Go on to the job' }).click();

	// The form goes on with what was drawn.
	await expect(ops.page.getByLabel('Title')).toHaveValue('Warm the caches');
	await expect(ops.page.getByLabel('Planned start')).toHaveValue(`${dayOf(2, 1)}T10:00`);
	await expect(ops.page.getByLabel('Planned end')).toHaveValue(`${dayOf(2, 1)}T12:00`);
	await ops.page.getByLabel('Environment').selectOption('staging');
	await ops.page.getByRole('button', { name: 'Write a new shell script' }).click();
	await ops.page.getByLabel('Content').fill('#!/bin/sh\necho warm\n');
	await ops.page.getByRole('button', { name: 'Create the job' }).click();
	await expect(ops.page.getByRole('heading', { level: 1, name: 'Warm the caches' })).toBeVisible();
	const job_id = /\/jobs\/(\d+)/.exec(ops.page.url())?.[1] ?? '';

	const entry = (page: Page, day: string) => cellOf(page, day).getByRole('button', { name: 'Warm the caches' });
	await expect(entry(dev.page, dayOf(2, 1))).toBeVisible();

	// Two days on, in the month.
	await ops.page.goto(`/projects/${String(project)}/calendar?view=dayGridMonth&date=${dayOf(2, 0)}`);
	await entry(ops.page, dayOf(2, 1)).dragTo(cellOf(ops.page, dayOf(2, 3)));
	await expect(entry(ops.page, dayOf(2, 3))).toBeVisible();
	await expect(entry(dev.page, dayOf(2, 3))).toBeVisible();
	await expect(entry(dev.page, dayOf(2, 1))).toHaveCount(0);

	const moved = await ops.api.get(`/api/jobs/${job_id}`);
	const start = new Date(moved.planned_start as string);
	expect(start.toLocaleString('sv', { timeZone: 'Europe/Paris' })).toBe(`${dayOf(2, 3)} 10:00:00`);
	expect(Date.parse(moved.planned_end as string) - start.getTime()).toBe(2 * 3_600_000);

	// And it runs, from its page.
	await ops.page.goto(`/jobs/${job_id}`);
	await runFromJob(ops.page);
	await expect(new LogPage(ops.page).status).toHaveText('Success');
	await expect(new LogPage(ops.page).viewport).toContainText('warm');
});

test('both see each line while it runs; who reloads and who comes late have all of it', async ({ open }) => {
	const [ops, dev] = [await open('ops'), await open('dev')];
	const STEPS = 6;
	const script = [
		'#!/bin/sh',
		'i=1; while [ $i -le 80 ]; do echo "line $i of the beginning"; i=$((i+1)); done',
		...Array.from(
			{ length: STEPS },
			(_, i) => `${gates.wait(`step-${String(i + 1)}`)}; echo "needle: step ${String(i + 1)}"`,
		),
		gates.wait('end'),
		'echo "all is done"',
	].join('\n');
	const all = [
		...Array.from({ length: 80 }, (_, i) => `line ${String(i + 1)} of the beginning`),
		...Array.from({ length: STEPS }, (_, i) => `needle: step ${String(i + 1)}`),
		'all is done',
	];
	const { job_id } = await ops.api.jobInProject(await projectId('App'), script, { title: 'Long story' });

	await ops.page.goto(`/jobs/${String(job_id)}`);
	await runFromJob(ops.page);
	const log = new LogPage(ops.page);
	await expect(log.text(80)).toHaveText('line 80 of the beginning');
	await dev.page.goto(ops.page.url());
	const devLog = new LogPage(dev.page);
	await expect(devLog.text(80)).toHaveText('line 80 of the beginning');
	await expect(devLog.status).toHaveText('Running');
	// Each knows of the other.
	await expect(ops.page.getByRole('complementary')).toContainText('Dev Martin');
	await expect(dev.page.getByRole('complementary')).toContainText('Olga Ops');

	for (let step = 1; step <= STEPS; step++) {
		gates.open(`step-${String(step)}`);
		for (const seen of [log, devLog]) await expect(seen.text(80 + step)).toHaveText(`needle: step ${String(step)}`);
		if (step === 3) await dev.page.reload();
	}
	// A third, who comes late.
	const late = await open('admin');
	await late.page.goto(ops.page.url());
	const lateLog = new LogPage(late.page);
	await expect(lateLog.text(80 + STEPS)).toHaveText(`needle: step ${String(STEPS)}`);

	gates.open('end');
	for (const seen of [log, devLog, lateLog]) {
		await expect(seen.status).toHaveText('Success');
		expect(await seen.read(all.length)).toEqual(all);
	}
});

test('search goes through the whole log, and a link to lines opens on them', async ({ open }) => {
	const { page, api } = await open('dev');
	const script =
		'i=1; while [ $i -le 3000 ]; do [ $((i % 500)) = 0 ] && echo "needle $i" || echo "hay $i"; i=$((i+1)); done';
	const { job_id } = await api.jobInProject(await projectId('App'), script, { title: 'Haystack' });
	const run = await api.run(job_id);
	await api.ended(run);

	await page.goto(`/runs/${String(run)}`);
	const log = new LogPage(page);
	await expect(log.text(3000)).toBeVisible();
	await log.search('needle');
	await expect(log.hits).toHaveText(/ \/ 6$/);
	// Around the end, and back.
	const next = log.log.getByRole('button', { name: 'Next match' });
	const previous = log.log.getByRole('button', { name: 'Previous match' });
	const at = async () => Number((await log.hits.textContent())?.split(' / ')[0]);
	const first = await at();
	await expect(log.row(first * 500).locator('mark')).toHaveText('needle');
	for (let step = 1; step <= 6; step++) {
		await next.click();
		const hit = ((first - 1 + step) % 6) + 1;
		await expect(log.hits).toHaveText(`${String(hit)} / 6`);
		await expect(log.text(hit * 500)).toBeInViewport();
	}
	await previous.click();
	await expect(log.text((((first - 2 + 6) % 6) + 1) * 500)).toBeInViewport();
	await log.search('not in there');
	await expect(log.hits).toHaveText('No match');

	const other = await open('ops');
	await other.page.goto(`/runs/${String(run)}#L1210-L1212`);
	const linked = new LogPage(other.page);
	await expect(linked.text(1210)).toBeInViewport();
	for (const line of [1210, 1211, 1212]) await expect(linked.row(line)).toHaveClass(/selected/);
	for (const line of [1209, 1213]) await expect(linked.row(line)).not.toHaveClass(/selected/);

	// A number makes such a link; with Shift, to a stretch.
	await linked.viewport.getByRole('button', { name: 'Link to line 1206', exact: true }).click();
	await expect(other.page).toHaveURL(/#L1206$/);
	await linked.viewport.getByRole('button', { name: 'Link to line 1208', exact: true }).click({ modifiers: ['Shift'] });
	await expect(other.page).toHaveURL(/#L1206-L1208$/);
	await expect(linked.row(1207)).toHaveClass(/selected/);
});

/** Processes whose environment holds the marker. */
function marked(marker: string): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => {
			try {
				return readFileSync(`/proc/${String(pid)}/environ`, 'latin1').includes(marker);
			} catch {
				return false; // It has ended, or is another user's.
			}
		});
}

test('cancel leaves nothing alive, whatever a script does to get away', async ({ open }) => {
	test.skip(process.platform !== 'linux', 'looks into /proc');
	const { page, api } = await open('ops');
	const marker = `UHUB_E2E_MARKER=${gates.dir}`;
	const script = [
		'#!/bin/sh',
		`export ${marker}`,
		"trap '' INT TERM HUP",
		`loop="trap '' INT TERM HUP; while [ -d ${gates.dir} ]; do sleep 1; done"`,
		// Twice forked into sessions of their own, their parents gone.
		'( setsid sh -c "( setsid sh -c \\"$loop\\" & )" & )',
		'( setsid sh -c "$loop" & )',
		'echo "they are off"',
		'eval "$loop"',
	].join('\n');
	const { job_id } = await api.jobInProject(await projectId('App'), script, { title: 'Hard to end', timeout_s: 600 });

	await page.goto(`/jobs/${String(job_id)}`);
	await runFromJob(page);
	const log = new LogPage(page);
	await expect(log.viewport).toContainText('they are off');
	await expect.poll(() => marked(marker).length).toBeGreaterThanOrEqual(3);

	await page.getByRole('button', { name: 'Cancel the run' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
	await expect(log.status).toHaveText('Canceled', { timeout: 45_000 });
	expect(marked(marker)).toEqual([]);
	await expect(page.getByText('Somebody canceled it.')).toBeVisible();
});

test('dev does not run in prod alone, and is told so', async ({ open }) => {
	const { page, api } = await open('dev');
	const project = await projectId('App');
	const { items } = (await api.get(`/api/projects/${String(project)}/jobs?q=production`)) as {
		items: { id: number; title: string }[];
	};
	const job = items.find((j) => j.title === 'Release v2.4.0 – production');
	expect(job).toBeDefined();

	await page.goto(`/jobs/${String(job?.id)}`);
	await page.getByRole('button', { name: 'Run now' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toContainText(
		'Nobody with your rights runs alone in “prod”: it will wait until another person approves exactly this.',
	);
	await expect(dialog.getByRole('button', { name: 'Ask for approval' })).toBeEnabled();
	// Elsewhere they may.
	await dialog.getByLabel('Environment').selectOption({ label: 'staging – Staging' });
	await expect(dialog).not.toContainText('approves exactly this');
	await expect(dialog.getByRole('button', { name: 'Run now' })).toBeEnabled();
});

// A project's settings, freezes, and what hosts report, as people meet them.
import { randomUUID } from 'node:crypto';
import { complaints } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

/** A project of somebody's own, where nothing gets in the way of other tests. */
async function projectOf(who: 'projets' | 'admin') {
	const api = await apiOf(who);
	const name = `Settings ${randomUUID().slice(0, 8)}`;
	const { id } = await api.ok('POST', '/api/projects', { name });
	return { api, name, id: Number(id), at: `/projects/${String(id)}` };
}
/** As `<input type="datetime-local">` takes it, in the zone every browser here lives in. */
const local = (ms: number) =>
	new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Europe/Paris' })
		.format(ms)
		.replace(' ', 'T');
const HOUR_MS = 3_600_000;

test('a project is handed over, and is gone for who gave it away', async ({ open }) => {
	const mine = await projectOf('projets');
	const { page, faults } = await open('projets');
	await page.goto(`${mine.at}/settings#danger`);
	const danger = page.locator('#danger');
	await expect(danger.getByText('It belongs to')).toBeVisible();
	const admin = await apiOf('admin');
	const me = await admin.get('/api/auth/me');
	const choice = danger.getByLabel('New owner');
	await choice.selectOption(String(me.id));
	expect(await complaints(page)).toEqual([]);
	await danger.getByRole('button', { name: 'Hand over' }).click();
	await expect(page).toHaveURL(/\/$/);
	await expect(page.getByText('It belongs to').first()).toBeVisible();
	await expect(page.getByRole('link', { name: mine.name })).toHaveCount(0);
	expect(await admin.get(`/api${mine.at}`)).toMatchObject({ owner_id: me.id });
	// What was still asked of it on the way out is not there.
	expect(faults.splice(0).filter((fault) => !fault.includes(` 404 (Not Found)`))).toEqual([]);
});

test('an environment’s backend says beside each field what is wrong with it, and keeps what is right', async ({
	open,
}) => {
	const mine = await projectOf('projets');
	await mine.api.ok('POST', `/api${mine.at}/environments`, { name: 'staging', type: 'staging' });
	const { page } = await open('projets');
	await page.goto(`${mine.at}/settings`);
	await page.getByRole('button', { name: 'Edit staging' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Backend').selectOption('docker');
	await dialog.getByLabel('Image').fill('Not An Image');
	await dialog.getByLabel('Processors').fill('9999');
	await dialog.getByRole('button', { name: 'Add a line' }).click();
	await dialog.getByLabel('Name').last().fill('1ST');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(dialog.getByLabel('Image')).toBeFocused();
	await expect(dialog.getByLabel('Image')).toHaveAccessibleDescription(/Not an image/);
	await expect(dialog.getByLabel('Processors')).toHaveAccessibleDescription('From 0.05 to 512.');
	await expect(dialog.getByText('1ST: Letters, digits and _')).toBeVisible();
	await expect(dialog.getByLabel('Processes')).not.toHaveAttribute('aria-invalid');

	await dialog.getByLabel('Image').fill('registry.example.org/team/tool:1.2');
	await dialog.getByLabel('Processors').fill('1.5');
	await dialog.getByLabel('Name').last().fill('STAGE');
	await dialog.getByLabel('Value').fill('one');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(dialog).toHaveCount(0);
	await expect(page.locator('#environments').getByText('Container (Docker, Podman)')).toBeVisible();
	const { items } = await mine.api.get(`/api${mine.at}/environments`);
	expect(items).toMatchObject([
		{
			execution_backend: 'docker',
			execution_backend_config: { image: 'registry.example.org/team/tool:1.2', cpus: 1.5, env: { STAGE: 'one' } },
		},
	]);

	// What is not the project's own is told at once too, and another form's save is no edit of somebody else.
	await page.locator('#general').getByLabel('Description').fill('For the tests');
	await page.locator('#general').getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Saved')).toBeVisible();
	await page.locator('#execution').getByLabel('Backend').selectOption('ssh');
	await page.locator('#execution').getByRole('button', { name: 'Save' }).click();
	await expect(page.locator('#execution').getByLabel('Account on the hosts')).toHaveAccessibleDescription(
		'Must not be empty.',
	);
	await page.locator('#execution').getByLabel('Backend').selectOption('local');
	await page.locator('#execution').getByRole('button', { name: 'Save' }).click();
	await expect.poll(async () => (await mine.api.get(`/api${mine.at}`)).execution_backend).toBe('local');
	await expect(page.getByText('Somebody changed this meanwhile')).toHaveCount(0);
});

test('what hangs on a project is listed before it is archived instead; an empty one is deleted', async ({ open }) => {
	const mine = await projectOf('projets');
	const { job_id } = await (await apiOf('admin')).jobInProject(mine.id, 'true');
	const { page, faults } = await open('projets');
	await page.goto(`${mine.at}/settings#danger`);
	await page.getByRole('button', { name: 'Delete the project' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled();
	await dialog.getByRole('textbox').fill(mine.name);
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(dialog.getByRole('listitem').filter({ hasText: 'Jobs' })).toHaveText(/Jobs\s*1/);
	// The browser itself writes the refusal on the console.
	expect(faults.splice(0)).toEqual([expect.stringContaining('409')]);
	await dialog.getByRole('button', { name: 'Archive the project' }).click();
	await expect(page.getByRole('button', { name: 'Open the project again' })).toBeVisible();
	await expect(page.locator('#general').getByLabel('Name')).toBeDisabled();
	expect(await mine.api.get(`/api${mine.at}`)).toMatchObject({ status: 'archived' });
	await page.getByRole('button', { name: 'Open the project again' }).click();
	await expect(page.locator('#general').getByLabel('Name')).toBeEnabled();

	const admin = await apiOf('admin');
	const { version, script_ids } = await admin.get(`/api/jobs/${String(job_id)}`);
	await admin.ok('DELETE', `/api/jobs/${String(job_id)}`, undefined, { 'if-match': `"v${String(version)}"` });
	for (const script of script_ids as number[])
		await admin.ok('DELETE', `/api/scripts/${String(script)}`, undefined, { 'if-match': '"v1"' });
	await page.getByRole('button', { name: 'Delete the project' }).click();
	await dialog.getByRole('textbox').fill(mine.name);
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(page).toHaveURL(/\/$/);
	await expect(page.getByRole('navigation').getByRole('link', { name: mine.name })).toHaveCount(0);
});

test('a freeze holds a run back, who may not break it is told, an admin breaks it with a reason', async ({ open }) => {
	const mine = await projectOf('projets');
	const { job_id } = await (await apiOf('admin')).jobInProject(mine.id, '#!/bin/sh\necho through the ice\n');
	const job = `/jobs/${String(job_id)}`;
	const { page } = await open('projets');

	await page.goto(`${mine.at}/settings`);
	await page.getByRole('button', { name: 'New freeze' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Title').fill('Payday');
	await dialog.getByLabel('Start').fill(local(Date.now() - HOUR_MS));
	await dialog.getByLabel('End').fill(local(Date.now() - 2 * HOUR_MS));
	await dialog.getByLabel('Reason').fill('Nobody is in');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(dialog.getByLabel('End')).toHaveAccessibleDescription('Must be after the start.');
	await dialog.getByLabel('End').fill(local(Date.now() + 24 * HOUR_MS));
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(page.locator('#freezes').getByText('On now')).toBeVisible();

	// It is said while planning, behind the entries of the calendar, and where a run is started.
	await page.goto(`${job}/edit`);
	await page.getByLabel('Planned start').fill(local(Date.now() + HOUR_MS));
	await expect(page.getByText('This falls into a freeze:')).toBeVisible();
	await page.getByLabel('Planned start').fill(local(Date.now() + 48 * HOUR_MS));
	await expect(page.getByText('This falls into a freeze:')).toHaveCount(0);
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(new RegExp(`${job}$`));
	for (const view of ['dayGridMonth', 'timeGridWeek']) {
		await page.goto(`${mine.at}/calendar?view=${view}`);
		await expect(page.locator('.freeze:visible').first()).toBeVisible();
		await expect(page.getByRole('list', { name: 'Freezes shown' })).toContainText('Payday');
	}

	await page.goto(`${job}?run=1`);
	await expect(dialog.getByText('A freeze is on: Payday')).toBeVisible();
	await expect(dialog.getByText('You cannot start it earlier. This is not for the role Projects.')).toBeVisible();
	await expect(dialog.getByRole('checkbox')).toHaveCount(0);
	await dialog.getByRole('button', { name: 'Run after the freeze' }).click();
	await expect(page).toHaveURL(/\/runs\/\d+$/);
	const held = Number(page.url().split('/').at(-1));
	await expect(page.getByText('A freeze is on.')).toBeVisible();

	const admin = await open('admin');
	await admin.page.goto(`${job}?run=1`);
	const asked = admin.page.getByRole('dialog');
	await asked.getByRole('checkbox', { name: 'Break the freeze' }).check();
	for (const theme of ['dark', 'light', 'contrast', 'terminal']) {
		await admin.page.evaluate((t) => (document.documentElement.dataset.theme = t), theme);
		expect.soft(await complaints(admin.page, theme === 'dark' ? 'all' : 'colours'), theme).toEqual([]);
	}
	await asked.getByLabel('Why it cannot wait').fill('The shop is down');
	await asked.getByRole('button', { name: 'Run now' }).click();
	await expect(admin.page).toHaveURL(/\/runs\/\d+$/);
	const broke = Number(admin.page.url().split('/').at(-1));
	expect(await admin.api.ended(broke)).toMatchObject({ status: 'success', break_freeze: 'The shop is down' });
	expect(await admin.api.get(`/api/runs/${String(held)}`)).toMatchObject({ status: 'queued' });
	expect(await admin.api.get(`/api/audit?action=freeze.break&object_id=${String(broke)}`)).toMatchObject({
		items: [{ metadata: { reason: 'The shop is down' } }],
	});

	// Ended early, what it held back starts.
	await page.goto(`/admin/freezes?project_id=${String(mine.id)}`);
	await page.getByRole('button', { name: 'End now' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
	await expect(page.getByText('Nothing matches')).toBeVisible();
	expect(await mine.api.ended(held)).toMatchObject({ status: 'success' });
});

test('a chart shows what a real agent reported, in the colours of the theme', async ({ open }) => {
	const { page, api } = await open('admin');
	const { items } = await api.get('/api/agents?status=online');
	const [agent] = items as { id: number }[];
	const id = String(agent?.id);
	const reported = async () => {
		const from = new Date(Date.now() - HOUR_MS).toISOString();
		return (await api.get(`/api/server-status/history?agent_id=${id}&from=${from}`)).points as unknown[];
	};
	await expect.poll(async () => (await reported()).length).toBeGreaterThan(0);

	await page.goto(`/fleet/${id}`);
	for (const name of ['Load', 'Memory', 'Disk'])
		await expect(
			page.getByRole('img', { name: new RegExp(`^${name}: between \\d+ % and \\d+ %, on average \\d+ %`) }),
		).toBeVisible();
	/** The colours that cover some of the first canvas wholly. */
	const colours = () =>
		page
			.locator('.chart canvas')
			.first()
			.evaluate((canvas: HTMLCanvasElement) => {
				const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
				const found = new Set<string>();
				for (let i = 0; i < pixels.length; i += 4)
					if (pixels[i + 3] === 255) found.add([pixels[i], pixels[i + 1], pixels[i + 2]].join(' '));
				return [...found];
			});
	const token = (name: string) =>
		page.evaluate((property) => {
			const hex = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
			return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(' ');
		}, name);
	await expect.poll(colours).toContain(await token('--accent-text'));
	await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
	const light = await token('--accent-text');
	await expect.poll(colours).toContain(light);

	await page.getByText('As a table').click();
	await expect.poll(async () => page.getByRole('table').first().getByRole('row').count()).toBeGreaterThan(1);
	await page.getByRole('radio', { name: '7 d' }).check({ force: true });
	await expect(page).toHaveURL(/range=week/);
	await expect(page.getByRole('img', { name: /^Load: between/ })).toBeVisible();
});

test('an alert source shows its address once, says what a payload would do, and opens incidents', async ({ open }) => {
	const mine = await projectOf('projets');
	const { page, faults } = await open('projets');
	await page.goto(`${mine.at}/settings#alerts`);
	await page.getByRole('button', { name: 'New alert source' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Name').fill('Prometheus');
	await dialog.getByLabel('Sent by').selectOption('generic');
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Create' }).click();
	const address = (await page.getByTestId('alert-address').textContent()) ?? '';
	expect(address).toMatch(/^http:\/\/[^/]+\/api\/hooks\/alerts\/generic\/[\w-]{43}$/);
	await dialog.getByRole('button', { name: 'I have kept it' }).click();

	await page.getByRole('button', { name: 'Try Prometheus out' }).click();
	await dialog.getByLabel('Payload').fill('{"title":');
	await dialog.getByRole('button', { name: 'Try out', exact: true }).click();
	await expect(dialog.getByLabel('Payload')).toHaveAttribute('aria-invalid', 'true');
	await dialog.getByLabel('Payload').fill('{"title": "Basket is slow"}');
	await dialog.getByRole('button', { name: 'Try out', exact: true }).click();
	await expect(dialog.getByText('opens an incident')).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Close' }).last().click();
	expect((await mine.api.get(`/api${mine.at}/incidents`)).items).toEqual([]);

	const send = () =>
		fetch(address, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ title: 'Basket is slow' }),
		});
	expect(await (await send()).json()).toMatchObject({ opened: 1 });
	await page.goto(`${mine.at}/incidents`);
	await page.getByRole('link', { name: 'Basket is slow' }).click();
	await expect(page.getByText('Alert: Basket is slow')).toBeVisible();

	await page.goto(`${mine.at}/settings#alerts`);
	await page.getByRole('button', { name: 'Delete Prometheus' }).click();
	await dialog.getByRole('textbox').fill('Prometheus');
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(page.getByText('No alert sources')).toBeVisible();
	expect((await send()).status).toBe(404);
	expect(faults).toEqual([]);
});

test('an alert source is changed: its own words for severity, and labels that make one incident', async ({ open }) => {
	const mine = await projectOf('projets');
	await mine.api.ok('POST', `/api${mine.at}/alert-sources`, { name: 'Prometheus', kind: 'alertmanager' });
	const { page } = await open('projets');
	await page.goto(`${mine.at}/settings#alerts`);
	const dialog = page.getByRole('dialog');
	await page.getByRole('button', { name: 'Change Prometheus' }).click();
	await dialog.getByLabel('Critical').fill('sev1, not one word!');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(dialog.getByText('Only letters, digits')).toBeVisible();
	await dialog.getByLabel('Critical').fill('sev1, p0');
	await dialog.getByLabel('One incident for each').fill('team');
	await dialog.getByLabel('Name').fill('Probes');
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('by team')).toBeVisible();
	const { items } = await mine.api.get(`/api${mine.at}/alert-sources`);
	expect(items).toMatchObject([
		{ name: 'Probes', severities: { sev1: 'critical', p0: 'critical' }, group_by: ['team'], version: 2 },
	]);
});

// What an administrator looks after: the audit and its chain, webhooks, tokens of others, the hub's own health; and the addresses to subscribe to.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { complaints } from '#tests/support/a11y.ts';
import { apiOf, expect, HUB, test } from '#tests/support/people.ts';

test('the audit: found by what it is about, its chain verified, taken along as a file', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const { id } = await admin.ok('POST', '/api/projects', { name: `=Audited ${n}` });
	await admin.ok('PATCH', `/api/projects/${String(id)}`, { name: `Renamed ${n}` }, { 'if-match': '"v1"' });
	const { page } = await open('admin');
	await page.goto('/audit');
	await page.getByLabel('Object', { exact: true }).selectOption('Project');
	await page.getByLabel('Object no.').fill(String(id));
	await page.getByLabel('Object no.').press('Enter');
	const rows = page.locator('main details');
	await expect(rows).toHaveCount(2);
	await rows.first().locator('summary').click();
	await expect(rows.first().locator('del')).toHaveText(`=Audited ${n}`);
	await expect(rows.first().locator('ins')).toHaveText(`Renamed ${n}`);

	await page.getByRole('button', { name: 'Verify the chain' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByText('The chain is whole')).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();

	const download = page.waitForEvent('download');
	await page.getByRole('link', { name: 'Export CSV' }).click();
	const file = await readFile(await (await download).path(), 'utf8');
	expect(file.split('\r\n')).toHaveLength(4);
	expect(file).toContain(`Renamed ${n}`);
	expect((await download).suggestedFilename()).toMatch(/^uhub-audit-.*\.csv$/);

	// By what was said of it, with the keyboard, in an order that the address keeps.
	await page.getByRole('link', { name: 'Clear' }).click();
	// That is a way to a page: where it leads, what was in focus is not.
	await expect(rows).not.toHaveCount(2);
	const find = page.getByRole('searchbox', { name: 'Search actions and what was changed' });
	await find.fill(`Renamed ${n}`);
	await expect(rows).toHaveCount(1);
	await expect(find).toBeFocused();
	await find.fill(n);
	await expect(rows).toHaveCount(2);
	await expect(rows.first().locator('summary')).toContainText('project.update');
	await page.getByLabel('Newest first').selectOption('Oldest first');
	await expect(rows.first().locator('summary')).toContainText('project.create');
	await page.reload();
	await expect(find).toHaveValue(n);
	await expect(rows).toHaveCount(2);
	await expect(rows.first().locator('summary')).toContainText('project.create');
	await expect(page.getByRole('link', { name: 'Export CSV' })).toHaveAttribute('href', new RegExp(`q=${n}`));
	expect(await complaints(page)).toEqual([]);
});

test('lists are put in another order, which the address keeps', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const { id } = await admin.ok('POST', '/api/projects', { name: `Ordered ${n}` });
	const at = `/projects/${String(id)}`;
	for (const [title, severity, priority] of [
		['worst', 'critical', 'critical'],
		['little', 'low', 'low'],
		['middling', 'medium', 'normal'],
	] as const) {
		await admin.ok('POST', `/api${at}/jobs`, { title, job_type: 'ops', priority });
		await admin.ok('POST', `/api${at}/incidents`, { title, severity });
	}
	const { page } = await open('admin');
	for (const [list, order] of [
		['jobs', 'Most urgent first'],
		['incidents', 'Most severe first'],
	] as const) {
		await page.goto(`${at}/${list}`);
		const titles = page.locator('main').getByText(/^(worst|little|middling)$/);
		await expect(titles).toHaveText(['middling', 'little', 'worst']);
		await page.getByLabel('Newest first').selectOption(order);
		await expect(titles).toHaveText(['worst', 'middling', 'little']);
		await page.reload();
		await expect(titles).toHaveText(['worst', 'middling', 'little']);
		await expect(page.getByLabel('Newest first')).toHaveValue(/^-/);
	}

	// Two changes, the second before the first is answered: both hold.
	await page.goto(`${at}/jobs`);
	let answer = () => undefined as unknown;
	const held = new Promise((resolve) => (answer = () => resolve(null)));
	const alone = (url: URL) => url.searchParams.get('sort') === 'title' && !url.searchParams.has('status');
	await page.route(alone, async (route) => {
		await held;
		await route.continue().catch(() => undefined);
	});
	const asked = page.waitForRequest((request) => alone(new URL(request.url())));
	await page.getByLabel('Newest first').selectOption('By title');
	await asked;
	await page.getByLabel('Status').selectOption('Draft');
	await expect(page).toHaveURL(/[?&]status=draft/);
	expect(new URL(page.url()).searchParams.get('sort')).toBe('title');
	answer();
});

test('a webhook: made, its secret shown once, pinged, looked at, sent again, paused, removed', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const { id } = await admin.ok('POST', '/api/projects', { name: `Hooked ${n}` });
	const { page, faults } = await open('admin');
	await page.goto(`/projects/${String(id)}/settings#webhooks`);
	const section = page.locator('#webhooks');
	await section.getByRole('button', { name: 'New webhook' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Name').fill(`Chat ${n}`);
	await dialog.getByLabel('Address').fill('https://10.0.0.1/hook');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(dialog.getByLabel('Address')).toHaveAttribute('aria-invalid', 'true');
	expect(faults.splice(0)).toEqual([expect.stringContaining('/api/webhooks')]);
	await dialog.getByLabel('Address').fill('https://hooks.example.com/uhub');
	await dialog.getByLabel('A run starts').check();
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByTestId('webhook-secret')).toHaveText(/^whsec_/);
	const secret = (await page.getByTestId('webhook-secret').textContent()) ?? '';
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'I have kept it' }).click();

	await section.getByRole('link', { name: `Chat ${n}` }).click();
	await expect(page.getByRole('heading', { level: 1, name: `Chat ${n}` })).toBeVisible();
	await page.getByRole('button', { name: 'Send a ping' }).click();
	const delivery = page.locator('main details').first();
	// There is no such host: the page hears by itself how it went.
	await expect(delivery.locator('summary')).toContainText('cannot be reached');
	await delivery.locator('summary').click();
	await expect(delivery.getByRole('region', { name: 'What is sent' })).toContainText('webhook.ping');
	expect(await page.content()).not.toContain(secret);
	await delivery.getByRole('button', { name: 'Send again' }).click();
	await expect(delivery.locator('ol > li')).toHaveCount(2);

	await page.getByRole('button', { name: 'More' }).click();
	await page.getByRole('menuitem', { name: 'Make a new secret' }).click();
	await dialog.getByRole('button', { name: 'Make a new secret' }).click();
	await expect(page.getByTestId('webhook-secret')).not.toHaveText(secret);
	await dialog.getByRole('button', { name: 'I have kept it' }).click();
	await page.getByRole('button', { name: 'More' }).click();
	await page.getByRole('menuitem', { name: 'Pause' }).click();
	await expect(page.getByText('Paused', { exact: true }).first()).toBeVisible();
	await page.getByRole('button', { name: 'More' }).click();
	await page.getByRole('menuitem', { name: 'Delete' }).click();
	await dialog.getByRole('textbox').fill(`Chat ${n}`);
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await expect(page).toHaveURL(/settings#webhooks$/);
	await expect(section.getByText('No webhooks')).toBeVisible();
});

test('addresses to subscribe to: made, shown once, read by a program, ended', async ({ open }) => {
	const { page } = await open('ops');
	await page.goto('/profile');
	const panel = page.getByRole('region', { name: 'Subscriptions' });
	await panel.getByRole('button', { name: /^Make (addresses|new ones)$/ }).click();
	const dialog = page.getByRole('dialog');
	const confirm = dialog.getByRole('button', { name: 'Make new ones' });
	// Where an earlier test made some, they end first.
	if (await confirm.isVisible()) await confirm.click();
	await expect(page.getByTestId('feed')).toHaveCount(2);
	const [calendar = '', incidents = ''] = await page.getByTestId('feed').allTextContents();
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'I have kept it' }).click();
	expect(await (await fetch(calendar)).text()).toMatch(/^BEGIN:VCALENDAR/);
	expect((await fetch(incidents)).headers.get('content-type')).toContain('atom');
	// That it was read shows by itself.
	await expect(panel.getByText('last read')).toBeVisible();
	await panel.getByRole('button', { name: 'End them' }).click();
	await dialog.getByRole('button', { name: 'End them' }).click();
	await expect(panel.getByText('You have no such address.')).toBeVisible();
	expect((await fetch(calendar)).status).toBe(404);
});

test('tokens of others are seen and revoked; the hub says how it is', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const dev = await apiOf('dev');
	const { token } = await dev.ok('POST', '/api/tokens', { name: `lost ${n}`, scopes: ['read'] });
	const bearer = { headers: { authorization: `Bearer ${String(token)}` } };
	expect((await fetch(`${HUB}/api/projects`, bearer)).status).toBe(200);
	const { page } = await open('admin');
	await page.goto('/admin/tokens');
	const row = page.getByRole('listitem').filter({ hasText: `lost ${n}` });
	await expect(row).toContainText('Dev Martin');
	await row.getByRole('button').click();
	await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
	await expect(row).toHaveCount(0);
	expect((await fetch(`${HUB}/api/projects`, bearer)).status).toBe(401);

	await page.getByRole('navigation', { name: 'Admin' }).getByRole('link', { name: 'Health' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Health' })).toBeVisible();
	await expect(page.getByRole('listitem').filter({ hasText: 'Clock' })).toContainText('It ticks');
	await page.getByRole('link', { name: 'Hosts' }).click();
	await expect(page.getByRole('img', { name: /^Load/ }).first()).toBeVisible();
});

test('an incident: a suspected commit gets its verdict, a dashboard is linked', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const { id: project } = await admin.ok('POST', '/api/projects', { name: `Broken ${n}` });
	const at = `/api/projects/${String(project)}`;
	const repo = await admin.ok('POST', `${at}/repos`, {
		provider: 'gitea',
		name: 'shop',
		url: 'https://git.example.com/x',
	});
	const commit = { change_type: 'commit', external_id: `abc${n}`, title: `Faster basket ${n}` };
	await admin.ok('POST', `/api/repos/${String(repo.id)}/changes`, commit);
	const incident = await admin.ok('POST', `${at}/incidents`, { title: `Down ${n}` });
	const mine = await open('admin');
	const theirs = await open('ops');
	await mine.page.goto(`/incidents/${String(incident.id)}`);
	const code = mine.page.getByRole('region', { name: 'Suspected changes' });
	await code.getByLabel('A change', { exact: true }).selectOption({ label: `abc${n.slice(0, 7)} Faster basket ${n}` });
	await code.getByRole('button', { name: 'Link' }).click();
	await expect(code.getByRole('listitem').filter({ hasText: `Faster basket ${n}` })).toBeVisible();
	await code.getByLabel(/^Verdict on/).selectOption('culprit');
	const metrics = mine.page.getByRole('region', { name: 'Dashboards' });
	await metrics.getByRole('button', { name: 'Add a dashboard' }).click();
	const dialog = mine.page.getByRole('dialog');
	await dialog.getByLabel('Label').fill(`Latency ${n}`);
	await dialog.getByLabel('Address').fill('https://grafana.example.com/d/x');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(metrics.getByRole('link', { name: `Latency ${n}` })).toBeVisible();
	expect(await complaints(mine.page)).toEqual([]);

	// Somebody who may only look sees the verdict, and hears of a change of mind.
	const group = await admin.ok('POST', '/api/groups', { name: `Lookers ${n}` });
	const ops = await theirs.api.get('/api/auth/me');
	await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(ops.id)}`, {});
	await admin.ok('PUT', `${at}/groups/${String(group.id)}`, { access: 'read' });
	await theirs.page.goto(`/incidents/${String(incident.id)}`);
	const seen = theirs.page.getByRole('region', { name: 'Suspected changes' });
	await expect(seen.getByText('Culprit')).toBeVisible();
	await code.getByLabel(/^Verdict on/).selectOption('cleared');
	await expect(seen.getByText('Cleared')).toBeVisible();
	await code.getByRole('button', { name: 'Take out' }).click();
	await expect(seen.getByText('No commit is suspected')).toBeVisible();
});

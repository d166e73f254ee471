// Two people and a run in production: one asks, the other looks at it, says yes or no, and both see it at once.
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, test } from '#tests/support/people.ts';

test('dev asks, an admin is told at once and approves; what was refused ends with the word that was said', async ({
	open,
}) => {
	const [asks, decides] = await Promise.all([open('dev'), open('admin')]);
	const { api } = decides;
	const { project_id, job_id } = await api.jobWith('#!/bin/sh\necho released\n', { title: 'Release to everybody' });
	const at = `/api/projects/${String(project_id)}`;
	const group = await api.ok('POST', '/api/groups', { name: `releasers ${String(project_id)}` });
	const me = await asks.api.get('/api/auth/me');
	await api.ok('PUT', `/api/groups/${String(group.id)}/members/${String(me.id)}`, {});
	await api.ok('PUT', `${at}/groups/${String(group.id)}`, { access: 'contribute' });

	// The environment is set up in the browser: production asks for approval of itself.
	await decides.page.goto(`/projects/${String(project_id)}/settings`);
	await decides.page.getByRole('button', { name: 'New environment' }).click();
	const form = decides.page.getByRole('dialog');
	await form.getByLabel('Name').fill('live');
	await form.getByLabel('Type').selectOption('prod');
	await expect(form.getByLabel('Runs need approval')).toBeChecked();
	await form.getByLabel('A request stands').selectOption({ index: 0 });
	expect(await complaints(decides.page)).toEqual([]);
	await form.getByRole('button', { name: 'Create' }).click();
	await expect(decides.page.getByRole('dialog')).toHaveCount(0);

	await decides.page.goto('/');
	await expect(decides.page.getByRole('heading', { name: 'Home' })).toBeVisible();
	const ask = async () => {
		await asks.page.goto(`/jobs/${String(job_id)}`);
		await asks.page.getByRole('button', { name: 'Run now' }).click();
		const dialog = asks.page.getByRole('dialog');
		await dialog.getByLabel('Environment').selectOption({ label: 'live – Production' });
		await expect(dialog.getByRole('status')).toContainText('until another person approves exactly this');
		await dialog.getByRole('button', { name: 'Ask for approval' }).click();
		await expect(asks.page.getByRole('region', { name: 'Approval' })).toContainText('1 of 1 missing');
	};
	await ask();
	const panel = asks.page.getByRole('region', { name: 'Approval' });
	await expect(panel).toContainText('not for the role Developer');
	await expect(panel.getByRole('button', { name: 'Approve' })).toHaveCount(0);

	// It comes to the other's page by itself.
	const mine = decides.page.getByRole('region', { name: 'Waiting for your approval' });
	await mine.getByRole('link', { name: /Release to everybody/ }).click();
	const theirs = decides.page.getByRole('region', { name: 'Approval' });
	await theirs.getByText('What will run').click();
	await expect(theirs).toContainText('"backend": "local"');
	await theirs.getByLabel('A word').fill('as agreed');
	expect(await complaints(decides.page)).toEqual([]);
	await decides.page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(decides.page)).toBeLessThanOrEqual(0);
	await decides.page.setViewportSize({ width: 1280, height: 900 });
	await theirs.getByRole('button', { name: 'Approve' }).click();
	await expect(panel).toContainText('as agreed');
	await expect(panel).not.toContainText('missing');
	// Nobody but people held it up: the local agent takes it at once.
	await expect(asks.page.getByText('released', { exact: true })).toBeVisible();

	await ask();
	await decides.page.goto(new URL(asks.page.url()).pathname);
	await theirs.getByLabel('A word').fill('not on a Friday');
	// What nobody decided in time is not decided any more, also where the page is still open.
	const { page: late } = await open('admin', { alone: true });
	await late.clock.install({ time: new Date(Date.now() + 31 * 24 * 3_600_000) });
	await late.goto(new URL(asks.page.url()).pathname);
	const tooLate = late.getByRole('region', { name: 'Approval' });
	for (const name of ['Approve', 'Reject']) await expect(tooLate.getByRole('button', { name })).toBeDisabled();
	await tooLate.getByRole('button', { name: 'Approve' }).focus();
	await expect(late.getByRole('tooltip')).toHaveText('Its time is up: ask anew.');
	await theirs.getByRole('button', { name: 'Reject' }).click();
	await expect(panel).toContainText('not on a Friday');
	await expect(asks.page.getByRole('status').filter({ hasText: 'Canceled' })).toBeVisible();
});

test('where nobody can be asked, dev is told in the page why it does not run in prod, and so is a program', async ({
	open,
}) => {
	const [{ page, api }, admin] = [await open('dev'), await open('admin')];
	const made = await admin.api.jobWith('#!/bin/sh\necho never\n', { title: 'Straight to production' });
	const at = `/api/projects/${String(made.project_id)}`;
	const group = await admin.api.ok('POST', '/api/groups', { name: `hopeful ${String(made.project_id)}` });
	const me = await api.get('/api/auth/me');
	await admin.api.ok('PUT', `/api/groups/${String(group.id)}/members/${String(me.id)}`, {});
	await admin.api.ok('PUT', `${at}/groups/${String(group.id)}`, { access: 'contribute' });
	const environment = (name: string, fields: object) =>
		admin.api.ok('POST', `${at}/environments`, { name, type: 'prod', ...fields });
	const alone = await environment('alone', { protection: { requires_approval: false, allowed_roles: [] } });
	await environment('for ops', { protection: { requires_approval: true, allowed_roles: ['ops'] } });
	await environment('asking', {});

	const job = `/jobs/${String(made.job_id)}`;
	await page.goto(job);
	await page.getByRole('button', { name: 'Run now' }).click();
	const dialog = page.getByRole('dialog');
	const why = dialog.getByRole('alert');
	const run = dialog.getByRole('button', { name: 'Run now' });
	const choose = (name: string) => dialog.getByLabel('Environment').selectOption({ label: `${name} – Production` });
	const refused = async (sentence: string) => {
		await expect(why).toHaveText(sentence);
		await expect(run.or(dialog.getByRole('button', { name: 'Ask for approval' }))).toBeDisabled();
		// By the keyboard too, which a button that is greyed does not hold up.
		await dialog.getByLabel('Reason').press('Enter');
		await expect(page).toHaveURL(new RegExp(`${job}\\?run=1$`));
	};
	await choose('alone');
	const nobody =
		'In production the role Developer runs what others approve, and this environment asks for no approvals.';
	await refused(nobody);
	expect(await complaints(page)).toEqual([]);
	await choose('for ops');
	await refused('This environment is for: Operations.');

	// What was allowed when the dialog opened, and is not any more.
	await choose('asking');
	await expect(dialog.getByRole('button', { name: 'Ask for approval' })).toBeEnabled();
	const { items } = await admin.api.get(`${at}/environments`);
	const asking = (items as { id: number; name: string; version: number }[]).find(({ name }) => name === 'asking');
	const change = { protection: { requires_approval: false, allowed_roles: [] } };
	await admin.api.ok('PATCH', `/api/environments/${String(asking?.id)}`, change, {
		'if-match': `"v${String(asking?.version)}"`,
	});
	await refused(nobody);

	const answer = await api.call('POST', `/api${job}/runs`, { environment_id: alone.id });
	expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
	expect(answer.body.detail).toContain(
		'run.start in prod is not for the role dev: here nobody can be asked for approval',
	);
	expect((await admin.api.get(`/api/runs?job_id=${String(made.job_id)}`)).items).toEqual([]);
});

// What is decided on is what runs: a plan that is looked at and applied, and a job that somebody signed.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { JobTemplate } from '#domain/job-signature.ts';
import type { Template } from '#protocol/run-spec.ts';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, test } from '#tests/support/people.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';
import { Signer } from '#tests/support/signer.ts';
import { CONFIG, noTerraform, STAND_IN } from '#tests/support/terraform.ts';

let agent: RealAgent | undefined;
let dir: string;
test.beforeAll(() => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-bin-'));
	writeFileSync(path.join(dir, 'terraform'), STAND_IN);
	chmodSync(path.join(dir, 'terraform'), 0o755);
});
test.afterAll(async () => {
	await agent?.remove();
	rmSync(dir, { recursive: true, force: true });
});

/** For everybody, in the dark and in the light, on a phone too. */
async function sound(page: Page): Promise<void> {
	expect.soft(await complaints(page)).toEqual([]);
	await page.evaluate(() => (document.documentElement.dataset.theme = 'light'));
	expect.soft(await complaints(page, 'colours')).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect.soft(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });
}

test('46: a run plans in production, and exactly that plan is applied once somebody else has approved it', async ({
	open,
}) => {
	const [{ page, api: asker, faults }, decides] = await Promise.all([open('ops'), open('admin')]);
	const { api } = decides;
	const { id: project_id } = await api.ok('POST', '/api/projects', { name: 'Plans to apply' });
	const at = `/api/projects/${String(project_id)}`;
	const group = await api.ok('POST', '/api/groups', { name: `planners ${String(project_id)}` });
	const me = await asker.get('/api/auth/me');
	await api.ok('PUT', `/api/groups/${String(group.id)}/members/${String(me.id)}`, {});
	await api.ok('PUT', `${at}/groups/${String(group.id)}`, { access: 'manage' });
	await api.ok('POST', `${at}/environments`, {
		...{ name: 'live', type: 'prod' },
		protection: { requires_approval: true, allowed_roles: [], four_eyes: true },
	});
	const script = { tool: 'terraform', name: 'main.tf', location_type: 'uploaded', content: CONFIG };
	const { id } = await api.ok('POST', `${at}/scripts`, script);
	const fields = { title: 'The network', job_type: 'infra', script_ids: [id], labels: { can: 'terraform' } };
	const job = await api.ok('POST', `${at}/jobs`, {
		...fields,
		parameters_schema: [{ name: 'who', type: 'text', required: true, label: 'Who' }],
	});
	agent = await realAgent(api, {
		project_ids: [project_id as number],
		labels: { can: 'terraform' },
		policy:
			'version: 1\nprojects: all\nbackends: [local]\ntools: [terraform]\nscripts: { uploaded: true }\nterraform: { plan_days: 1 }\n',
		env: noTerraform === null ? {} : { PATH: `${dir}:${process.env['PATH'] ?? ''}` },
	});
	/** The other one looks at what will run, and says yes. */
	const approve = async () => {
		await expect(page.getByRole('region', { name: 'Approval' })).toContainText('1 of 1 missing');
		await decides.page.goto(new URL(page.url()).pathname);
		const panel = decides.page.getByRole('region', { name: 'Approval' });
		await panel.getByText('What will run').click();
		const what = await panel.getByLabel('What will run').innerText();
		await panel.getByRole('button', { name: 'Approve' }).click();
		return what;
	};

	await page.goto(`/jobs/${String(job.id)}?run=1`);
	const run = page.getByRole('dialog');
	await run.getByLabel('Environment').selectOption({ label: 'live – Production' });
	await run.getByLabel('Who').fill('a-sensitive-name');
	await run.getByRole('button', { name: 'Ask for approval' }).click();
	expect(await approve()).toContain('"apply_plan": null');
	await expect(page.getByRole('heading', { name: 'The plan it made' })).toBeVisible();
	await page
		.getByRole('main')
		.getByRole('link', { name: /main\.tf|#\d+/ })
		.last()
		.click();
	await expect(page).toHaveURL(/\/terraform-plans\/\d+$/);
	await expect(page.getByText('terraform_data.x')).toBeVisible();
	expect(await page.locator('main').innerText()).not.toContain('a-sensitive-name');
	await sound(page);
	const plan = await api.get(`/api${new URL(page.url()).pathname}`);

	await page.getByRole('button', { name: 'Apply' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toContainText('Apply this plan?');
	expect.soft(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Apply' }).click();
	await expect(page).toHaveURL(/\/runs\/\d+$/);
	await expect(page.getByRole('heading', { name: 'The plan it applies' })).toBeVisible();
	// What is approved names the very plan.
	expect(await approve()).toContain(`"apply_plan": "${String(plan.plan_sha256)}"`);
	await expect(page.getByText('Apply complete!').first()).toBeVisible();
	await page
		.getByRole('main')
		.getByRole('link', { name: /main\.tf|#\d+/ })
		.last()
		.click();
	await expect(page.getByText(/^Applied/)).toBeVisible();
	await expect(page.getByRole('button', { name: 'Apply' })).toHaveCount(0);
	expect(faults).toEqual([]);
	expect(decides.faults).toEqual([]);
});

test('39: a job says who signed it, and that it has changed since', async ({ open }) => {
	const { page, api, faults } = await open('admin');
	const { project_id, job_id } = await api.jobWith('true', { title: 'Signed' });
	const { id: environment_id } = await api.ok('POST', `/api/projects/${String(project_id)}/environments`, {
		name: 'staging',
		type: 'staging',
	});
	await page.goto(`/jobs/${String(job_id)}`);
	const panel = page.getByRole('region', { name: 'Signatures' });
	await expect(panel).toContainText('Nobody has signed this job.');
	await panel.getByLabel('Signed for runs in').selectOption('staging');
	const line = `uhub jobs template ${String(job_id)} --env ${String(environment_id)} | uhub-agent sign`;
	await expect(panel.getByLabel('Command to sign it')).toContainText(line);

	const signer = new Signer();
	const query = `?environment_id=${String(environment_id)}`;
	const { hub, serial, template } = JobTemplate.parse(await api.get(`/api/jobs/${String(job_id)}/template${query}`));
	const signature = signer.sign(hub, template as unknown as Template, { serial });
	await api.ok('PUT', `/api/jobs/${String(job_id)}/signature${query}`, signature);
	await expect(panel).toContainText('Signed as it is');
	await expect(panel).toContainText(signer.key);
	await sound(page);

	const { version } = await api.get(`/api/jobs/${String(job_id)}`);
	const etag = { 'if-match': `"v${String(version)}"` };
	await api.ok('PATCH', `/api/jobs/${String(job_id)}`, { timeout_s: 60 }, etag);
	await expect(panel).toContainText('Changed since');
	await panel.getByRole('button', { name: 'Take back the signature in staging' }).click();
	await expect(panel).toContainText('Nobody has signed this job.');
	expect(faults).toEqual([]);
});

// A run that is a request: set up in the settings or the job's form, started from the job, its answer read as a log.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';
import { realAgent } from '#tests/support/real-agent.ts';

test('a webhook of a project’s own is set up, signed with a key of the hub, and runs', async ({ open }) => {
	const server = createServer((request, response) => {
		request.resume().on('end', () => response.end(`deployed, as ${String(request.headers['uhub-event'])} asked\n`));
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	try {
		const admin = await apiOf('admin');
		const { id } = await admin.ok('POST', '/api/projects', { name: `Requests ${Date.now().toString(36)}` });
		const { page, faults } = await open('admin');
		await page.goto(`/projects/${String(id)}/settings`);
		const form = page.locator('#execution');
		await form.getByLabel('Backend').selectOption('webhook');
		await form.getByLabel('Address').fill('https://10.0.0.1/hook');
		await form.getByLabel('Signing key').fill('env:KEY');
		await form.getByRole('button', { name: 'Save' }).click();
		await expect(form.getByLabel('Signing key')).toHaveAccessibleDescription(/hub:NAME/);
		await form.getByLabel('Signing key').fill('hub:deploy');
		await form.getByRole('button', { name: 'Save' }).click();
		await expect(form.getByLabel('Address')).toHaveAccessibleDescription(/private or local/);
		// The browser itself writes the refusal on the console.
		expect(faults.splice(0)).toEqual([expect.stringContaining('400')]);
		await form
			.getByLabel('Address')
			.fill(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/deploy?key=1`);
		await form.getByRole('button', { name: 'Save' }).click();
		await expect.poll(async () => (await admin.get(`/api/projects/${String(id)}`)).execution_backend).toBe('webhook');
		expect(await complaints(page)).toEqual([]);
		await admin.ok('PUT', `/api/projects/${String(id)}/hub-secrets/deploy`, { value: 'a key that nobody guesses' });

		const job = await admin.ok('POST', `/api/projects/${String(id)}/jobs`, { title: 'Deploy', job_type: 'ops' });
		await page.goto(`/jobs/${String(job.id)}`);
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText('deployed, as run.request asked')).toBeVisible();
		await expect(page.getByText('/deploy?…')).toBeVisible();
		await expect(page.getByText('The hub itself')).toBeVisible();
		expect(await complaints(page)).toEqual([]);
		await page.setViewportSize({ width: 360, height: 740 });
		expect(await overflow(page)).toBeLessThanOrEqual(0);
	} finally {
		server.close();
	}
});

/** A server on this machine; its address, and what ends it. */
async function serving(listener: RequestListener): Promise<{ url: string; close: () => void }> {
	const server = createServer(listener);
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, close: () => server.close() };
}

/** As above; it takes what is asked of it, and can call back about that. */
async function takingIts(answer: string) {
	let told: { callback_url: string; callback_token: string } | null = null;
	const { url, close } = await serving((request, response) => {
		let body = '';
		request
			.on('data', (part: Buffer) => (body += part.toString()))
			.on('end', () => {
				told = JSON.parse(body) as typeof told;
				response.writeHead(202).end(`${answer}\n`);
			});
	});
	const report = async (body: object): Promise<number> => {
		const { callback_url, callback_token: token } = told ?? { callback_url: '', callback_token: '' };
		const headers = { 'content-type': 'application/json' };
		return (await fetch(callback_url, { method: 'POST', headers, body: JSON.stringify({ token, ...body }) })).status;
	};
	return { url, close, report };
}

test('a function is chosen in the form of a job, and ends its run by a callback', async ({ open }) => {
	const { url, close, report } = await takingIts('begun');
	const { page, api } = await open('admin');
	try {
		const { id } = await api.ok('POST', '/api/projects', { name: `Functions ${Date.now().toString(36)}` });
		await api.ok('PUT', `/api/projects/${String(id)}/hub-secrets/fn`, { value: 'a key that nobody guesses' });
		const job = await api.ok('POST', `/api/projects/${String(id)}/jobs`, { title: 'Resize', job_type: 'ops' });
		await page.goto(`/jobs/${String(job.id)}/edit`);
		await page.getByLabel('Backend').selectOption('serverless');
		await page.getByLabel('Provider').selectOption('knative');
		await page.getByLabel('Address').fill(`${url}/resize`);
		await page.getByLabel('Signing key').fill('hub:fn');
		await page.getByLabel(/callback/i).check();
		expect(await complaints(page)).toEqual([]);
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText('It goes on, and ends with a callback')).toBeVisible();
		expect(await report({ status: 'running', output: 'three of nine' })).toBe(204);
		await expect(page.getByText('three of nine')).toBeVisible();
		expect(await report({ status: 'success', message: 'nine of nine' })).toBe(204);
		await expect(page.getByText('nine of nine', { exact: true })).toBeVisible();
		await expect(page.getByRole('status').getByText('Success')).toBeVisible();
		await expect(page.getByText('The hub itself')).toBeVisible();
		expect(await complaints(page)).toEqual([]);
	} finally {
		close();
	}
});

test('a webhook that an agent sends, for what the hub does not reach, and that calls back', async ({ open }) => {
	const { url, close, report } = await takingIts('from inside');
	const { page, api } = await open('admin');
	const { id } = await api.ok('POST', '/api/projects', { name: `Inside ${Date.now().toString(36)}` });
	const agent = await realAgent(api, {
		project_ids: [id as number],
		env: { HOOK_KEY: 'a key of the inside' },
		policy: `version: 1
projects: [${String(id)}]
backends: [webhook]
webhook: { networks: [127.0.0.0/8] }
secrets: { ${String(id)}: ['env:HOOK_KEY'] }
`,
	});
	try {
		const job = await api.ok('POST', `/api/projects/${String(id)}/jobs`, { title: 'Inside', job_type: 'ops' });
		await page.goto(`/jobs/${String(job.id)}/edit`);
		await page.getByLabel('Backend').selectOption('webhook');
		await page.getByLabel('Address').fill(`${url}/inside`);
		await page.getByLabel('Sent by').selectOption('agent');
		await page.getByLabel('Signing key').fill('env:HOOK_KEY');
		await page.getByLabel(/callback/i).check();
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText('from inside', { exact: true })).toBeVisible();
		await expect(page.getByText('It goes on, and ends with a callback')).toBeVisible();
		expect(await report({ status: 'success', message: 'done inside' })).toBe(204);
		await expect(page.getByText('done inside', { exact: true })).toBeVisible();
		await expect(page.getByRole('status').getByText('Success')).toBeVisible();
		const { name } = await api.get(`/api/agents/${String(agent.id)}`);
		await expect(page.getByRole('definition').filter({ hasText: String(name) })).toBeVisible();
		expect(await complaints(page)).toEqual([]);
	} finally {
		await agent.remove();
		close();
	}
});

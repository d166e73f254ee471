// Pages that nobody touches: what others change is on them a moment later, and none is ever loaded again.
import { randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { apiOf, expect, follow, HUB, setLook, test } from '#tests/support/people.ts';
import { enrol, WireAgent } from '#tests/support/wire-agent.ts';

/** Fails when the page was loaded again since. */
async function untouched(page: Page): Promise<() => Promise<void>> {
	await page.evaluate(() => Object.assign(window, { untouched: true }));
	return async () => {
		expect(await page.evaluate(() => Reflect.get(window, 'untouched') as unknown)).toBe(true);
	};
}

test('what belongs to the hub: people, groups, access, tokens, sessions, audit', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const dev = await apiOf('dev');
	const look = async (who: 'admin' | 'dev', address: string) => {
		const { page } = await open(who);
		await page.goto(address);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		return { page, still: await untouched(page) };
	};
	await setLook(dev, { locale: 'en', theme: 'dark' });

	const people = await look('admin', '/admin/users');
	const groups = await look('admin', '/admin/groups');
	const audit = await look('admin', '/audit');
	const tokens = await look('dev', '/profile/tokens');
	const home = await look('dev', '/');

	const user = await admin.ok('POST', '/api/users', { username: `live-${n}`, role: 'dev', display_name: `Live ${n}` });
	await expect(people.page.getByText(`Live ${n}`)).toBeVisible();
	await expect(audit.page.locator('summary').filter({ hasText: 'user.create' }).first()).toBeVisible();

	const group = await admin.ok('POST', '/api/groups', { name: `Crew ${n}` });
	await expect(groups.page.getByRole('link', { name: `Crew ${n}` })).toBeVisible();
	const members = await look('admin', `/admin/groups/${String(group.id)}`);
	await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(user.id)}`, {});
	await expect(members.page.getByRole('listitem').filter({ hasText: `Live ${n}` })).toBeVisible();

	const project = await admin.ok('POST', '/api/projects', { name: `Reached ${n}` });
	const settings = await look('admin', `/projects/${String(project.id)}/settings`);
	const me = await dev.get('/api/auth/me');
	await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(me.id)}`, {});
	await admin.ok('PUT', `/api/projects/${String(project.id)}/groups/${String(group.id)}`, { access: 'read' });
	await expect(settings.page.getByLabel(`Access of Crew ${n}`, { exact: true })).toHaveValue('read');
	// A project that is new to somebody is in their list, and its own changes come from then on.
	await expect(home.page.getByRole('link', { name: `Reached ${n}` }).first()).toBeVisible();
	await admin.ok('PATCH', `/api/projects/${String(project.id)}`, { name: `Renamed ${n}` }, { 'if-match': '"v1"' });
	await expect(home.page.getByRole('link', { name: `Renamed ${n}` }).first()).toBeVisible();

	await dev.ok('POST', '/api/tokens', { name: `token ${n}`, scopes: ['read'] });
	await expect(tokens.page.getByText(`token ${n}`)).toBeVisible();
	for (const { still } of [people, groups, audit, tokens, home, members, settings]) await still();
});

test('the fleet: an agent that asks to be let in, is, comes and goes', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const { page } = await open('admin');
	await page.goto('/fleet');
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	const still = await untouched(page);
	// Until it is let in it is among those that ask, too.
	const row = page.getByRole('listitem').filter({ hasText: `wire-${n}`, hasNotText: 'asks to be let in' });
	const identity = await enrol(await apiOf('admin'), `wire-${n}`);
	await expect(row).toContainText('Offline');
	const agent = await WireAgent.connect(HUB, identity);
	await expect(row).toContainText('Online');
	agent.ws.close();
	await expect(row).toContainText('Offline');
	await still();
});

test('a run’s page that is sent rubbish comes back for its log, and does not knock without a pause', async ({
	open,
}) => {
	const admin = await apiOf('admin');
	const { job_id } = await admin.jobWith('true', { labels: { nobody: 'has-this' } });
	const run = await admin.run(job_id);
	const { page } = await open('admin', { alone: true });
	const begun = new Date('2026-06-01T08:00:00Z');
	await page.clock.install({ time: begun });
	let connections = 0;
	await page.routeWebSocket(/\/live\/runs\//, (ws) => {
		connections++;
		ws.send(Buffer.from([9, 9, 9]));
	});
	await page.goto(`/runs/${String(run)}`);
	await expect(page.getByText('Reconnecting… nothing is lost')).toBeVisible();
	await page.clock.pauseAt(new Date(begun.getTime() + 3_600_000));
	// From here on its clock moves by hand alone: what needs no pause would knock without end.
	const before = connections;
	for (let n = 1; n <= 4; n++) {
		const known = connections;
		await page.clock.fastForward(20_000);
		await expect.poll(() => connections).toBeGreaterThan(known);
	}
	expect(connections).toBeLessThanOrEqual(before + 5);
});

/** A day on which nothing else is planned. */
const DAY = '2039-05-04';

/** All that is to be read on a page, what its fields hold and offer too. */
const readOn = (page: Page) =>
	page.evaluate(() => {
		const fields = [...document.querySelectorAll<HTMLInputElement>('main input, main textarea, main select')];
		return [document.querySelector('main')?.textContent, ...fields.map(({ value }) => value)].join('\n');
	});

/** A project with a row of each kind, and what others do to them by the API. Each answers with the words that are new by it. */
async function world() {
	const admin = await apiOf('admin');
	let n = 0;
	const fresh = (what: string) => `${what} ${randomUUID().slice(0, 6)}-${String(n++)}`;
	const soon = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
	const made = async (at: string, body: object) => Number((await admin.ok('POST', at, body)).id);
	const project = await made('/api/projects', { name: fresh('Live') });
	const inProject = (what: string, body: object) => made(`/api/projects/${String(project)}/${what}`, body);
	const uploaded = { tool: 'shell', location_type: 'uploaded', content: 'true\n' };
	const scripted = (name: string) => inProject('scripts', { ...uploaded, name });
	const script = await scripted(fresh('script'));
	const environment = await inProject('environments', { name: fresh('env'), type: 'dev' });
	const jobOf = (more: object = {}) =>
		inProject('jobs', {
			title: fresh('job'),
			job_type: 'dev',
			environment_id: environment,
			script_ids: [script],
			...more,
		});
	const job = await jobOf();
	const plan = await inProject('terraform-plans', { source_type: 'uploaded', content: '{"format_version":"1.2"}' });
	const inventory = await inProject('inventories', { source_type: 'uploaded', content: 'h1\n' });
	const incident = await inProject('incidents', { title: fresh('incident') });
	const postmortem = await inProject('incidents', { title: fresh('incident') });
	await admin.ok('POST', `/api/incidents/${String(postmortem)}/postmortem`, { summary: 's', impact: 'i' });
	const run = await made(`/api/jobs/${String(job)}/runs`, {});
	const hook = (name: string) =>
		made('/api/webhooks', { project_id: project, name, url: 'https://hooks.example.com/x', events: ['run.ended'] });
	const webhook = await hook(fresh('hook'));
	const agent = (await enrol(admin, fresh('wire').replace(' ', '-'))).agent_id;

	/** Writes something new into a field of a row, at its newest. */
	const edit = (at: string, field: string, text?: string) => async () => {
		const words = text ?? fresh(field);
		const row = await admin.get(`/api${at}`);
		await admin.ok('PATCH', `/api${at}`, { [field]: words }, { 'if-match': `"v${String(row.version)}"` });
		return words;
	};
	/** Makes a row, whose name is what is new. */
	const add = (make: (words: string) => Promise<unknown>) => async () => {
		const words = fresh('new');
		await make(words);
		return words;
	};
	const started = async (more: object = {}) => {
		const title = fresh('ran');
		await made(`/api/jobs/${String(await jobOf({ title, ...more }))}/runs`, {});
		return title;
	};
	const acts = {
		project: edit(`/projects/${String(project)}`, 'description'),
		environment: edit(`/environments/${String(environment)}`, 'name'),
		'new environment': add((name) => inProject('environments', { name, type: 'dev' })),
		job: edit(`/jobs/${String(job)}`, 'title'),
		'job that is planned': add((title) => jobOf({ title, planned_start: soon(1), planned_end: soon(2) })),
		'new job': add((title) => jobOf({ title })),
		'what a job does': edit(`/jobs/${String(job)}`, 'description'),
		event: add((title) => inProject('events', { title, start: `${DAY}T10:00:00Z`, end: `${DAY}T11:00:00Z` })),
		'job of that day': add((title) =>
			jobOf({ title, planned_start: `${DAY}T12:00:00Z`, planned_end: `${DAY}T13:00:00Z` }),
		),
		run: started,
		'run of the job': async () => `#${String(await made(`/api/jobs/${String(job)}/runs`, {}))}`,
		script: edit(`/scripts/${String(script)}`, 'name'),
		'new script': add(scripted),
		'what a script is for': edit(`/scripts/${String(script)}`, 'description'),
		'what a script does': async () => {
			const words = `echo ${fresh('content')}`;
			await edit(`/scripts/${String(script)}`, 'content', words)();
			return words;
		},
		freeze: add((title) =>
			made('/api/freezes', { project_id: project, title, reason: 'r', start: soon(24 * 3000), end: soon(24 * 3001) }),
		),
		incident: add((title) => inProject('incidents', { title })),
		'incident of a job': add(async (title) => {
			const id = await inProject('incidents', { title });
			await admin.ok('POST', `/api/incidents/${String(id)}/links`, { kind: 'run', run_id: run });
		}),
		'an incident’s title': edit(`/incidents/${String(incident)}`, 'title'),
		entry: add((body) => made(`/api/incidents/${String(incident)}/entries`, { body })),
		link: async () => {
			const title = fresh('linked');
			const job_id = await jobOf({ title });
			await admin.ok('POST', `/api/incidents/${String(incident)}/links`, { kind: 'job', job_id });
			return title;
		},
		'text of a post-mortem': edit(`/incidents/${String(postmortem)}/postmortem`, 'impact'),
		action: add((title) => made(`/api/incidents/${String(postmortem)}/postmortem/actions`, { title })),
		repo: add((name) => inProject('repos', { provider: 'gitea', name, url: 'https://git.example.com/x' })),
		'first repo': async () => {
			await acts.repo();
			return 'In a repository';
		},
		change: async () => {
			const repo = await inProject('repos', { provider: 'gitea', name: fresh('r'), url: 'https://git.example.com/x' });
			const title = fresh('commit');
			const body = { change_type: 'commit', external_id: 'abc', title, job_id: job };
			await made(`/api/repos/${String(repo)}/changes`, body);
			return title;
		},
		inventory: edit(`/inventories/${String(inventory)}`, 'summary'),
		plan: edit(`/terraform-plans/${String(plan)}`, 'summary'),
		cluster: add((name) => inProject('clusters', { name, kubeconfig_ref: 'vault:kv2/k8s#config' })),
		metric: add((label) => inProject('metric-refs', { label, url: 'https://grafana.example.com/x' })),
		webhook: edit(`/webhooks/${String(webhook)}`, 'name'),
		'new webhook': add(hook),
		'alert source': add((name) => inProject('alert-sources', { name, kind: 'generic' })),
		agent: async () => edit(`/agents/${String(agent)}`, 'name', fresh('renamed').replace(' ', '-'))(),
		token: add((name) => made('/api/tokens', { name, scopes: ['read'] })),
	} satisfies Record<string, () => Promise<string>>;
	return { acts, project, job, script, plan, inventory, incident, postmortem, run, webhook, agent };
}
type World = Awaited<ReturnType<typeof world>>;
type Act = keyof World['acts'];

/** Each page by the folder of its route: one address of it, and what is to be seen there when it happens. */
const pages = (w: World): Record<string, [address: string, ...Act[]]> => {
	const p = `/projects/${String(w.project)}`;
	return {
		'': ['/', 'job that is planned', 'incident', 'run'],
		'projects/[project=id]': [p, 'environment', 'new environment', 'project', 'job that is planned', 'incident', 'run'],
		'projects/[project=id]/jobs': [`${p}/jobs`, 'new environment', 'job', 'new job'],
		'projects/[project=id]/scripts/new': [`${p}/scripts/new`, 'first repo'],
		'projects/[project=id]/jobs/new': [`${p}/jobs/new`, 'new environment', 'new script'],
		'projects/[project=id]/runs': [`${p}/runs`, 'run'],
		'projects/[project=id]/incidents': [`${p}/incidents`, 'incident', 'new environment'],
		'projects/[project=id]/calendar': [`${p}/calendar?view=listWeek&date=${DAY}`, 'event', 'job of that day'],
		'projects/[project=id]/code': [`${p}/code`, 'repo', 'change'],
		'projects/[project=id]/infrastructure': [`${p}/infrastructure`, 'inventory', 'plan', 'cluster', 'metric'],
		'projects/[project=id]/scripts': [`${p}/scripts`, 'script', 'new script'],
		'projects/[project=id]/settings': [
			`${p}/settings`,
			'project',
			'new environment',
			'freeze',
			'new webhook',
			'alert source',
		],
		'jobs/[id=id]': [
			`/jobs/${String(w.job)}`,
			'what a job does',
			'environment',
			'script',
			'change',
			'incident of a job',
			'run of the job',
		],
		'jobs/[id=id]/edit': [`/jobs/${String(w.job)}/edit`, 'what a job does', 'new environment', 'new script'],
		'scripts/[id=id]': [`/scripts/${String(w.script)}`, 'what a script is for', 'what a script does', 'new job', 'job'],
		'terraform-plans/[id=id]': [`/terraform-plans/${String(w.plan)}`, 'plan'],
		'inventories/[id=id]': [`/inventories/${String(w.inventory)}`, 'inventory'],
		runs: ['/runs', 'run'],
		'runs/[id=id]': [`/runs/${String(w.run)}`, 'job', 'environment'],
		incidents: ['/incidents', 'incident'],
		'incidents/[id=id]': [`/incidents/${String(w.incident)}`, 'an incident’s title', 'entry', 'link'],
		'incidents/[id=id]/postmortem': [
			`/incidents/${String(w.postmortem)}/postmortem`,
			'text of a post-mortem',
			'action',
		],
		calendar: [`/calendar?view=listWeek&date=${DAY}`, 'event', 'job of that day'],
		fleet: ['/fleet', 'agent'],
		'fleet/[id=id]': [`/fleet/${String(w.agent)}`, 'agent'],
		'fleet/hosts': ['/fleet/hosts?q=renamed', 'agent'],
		'admin/freezes': ['/admin/freezes?when=all', 'freeze'],
		'admin/webhooks': ['/admin/webhooks', 'webhook', 'new webhook'],
		'admin/tokens': ['/admin/tokens', 'token'],
		'webhooks/[id=id]': [`/webhooks/${String(w.webhook)}`, 'webhook'],
	};
};

/** Those of the hub's own things, which the test above and those of people and of what one is told look at; the last show no row. */
const others = [
	...[
		'admin/users',
		'admin/groups',
		'admin/groups/[group=id]',
		'audit',
		'profile',
		'profile/tokens',
		'profile/security',
	],
	...['profile/notifications', 'admin/health', 'admin/permissions', 'admin/data', 'projects/new'],
];

test('every page of the app: what others change in its rows is on it, without a reload', async ({ open }) => {
	test.setTimeout(480_000);
	const w = await world();
	const matrix = pages(w);
	const routes = path.resolve(import.meta.dirname, '../../app/routes/(hub)');
	const found = globSync('**/+page.svelte', { cwd: routes }).map((file) => path.dirname(file).replace(/^\.$/, ''));
	expect([...Object.keys(matrix), ...others].sort(), 'a page without a line here').toEqual(found.sort());

	const { page } = await open('admin');
	await page.goto('/profile');
	for (const [route, [address, ...acts]] of Object.entries(matrix)) {
		await follow(page, address);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0);
		const still = await untouched(page);
		for (const act of acts) {
			const words = await w.acts[act]();
			await expect.poll(() => readOn(page), { message: `${route || 'home'}: ${act}` }).toContain(words);
		}
		await still();
	}
});

// A few changes are told to a page that comes; where there are too many it loads anew.
for (const before of [0, 101])
	test(`what happens while a page’s rooms are being entered is on its calendar too, after ${String(before)} changes`, async ({
		open,
	}) => {
		const w = await world();
		const { page } = await open('admin', { alone: true });
		let enter = () => {};
		const allowed = new Promise<void>((resolve) => (enter = resolve));
		await page.routeWebSocket(/\/live\/projects\//, async (ws) => {
			await allowed;
			ws.connectToServer();
		});
		await page.clock.install();
		await page.goto(`/projects/${String(w.project)}/calendar?view=listWeek&date=${DAY}`);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		await expect(page.locator('main [aria-busy="true"]')).toHaveCount(0);
		const still = await untouched(page);
		// Who has many projects, as after the tests before, hears of it by the hub's room too, and would load anew meanwhile.
		await page.clock.pauseAt(Date.now() + 1000);
		for (let i = 0; i < before; i++) await w.acts.job();
		const words = [await w.acts.event(), await w.acts['job of that day']()];
		expect(await readOn(page)).not.toContain(words[0]);
		await page.clock.resume();
		enter();
		for (const one of words) await expect.poll(() => readOn(page)).toContain(one);
		await still();
	});

test('a form: what nobody touched follows, what was typed stays and is told of', async ({ open }) => {
	const w = await world();
	const { page, api } = await open('admin');
	await page.goto(`/jobs/${String(w.job)}/edit`);
	const title = page.getByLabel('Title');
	const still = await untouched(page);
	await expect(title).toHaveValue(await w.acts.job());
	await title.fill('Mine');
	await w.acts['what a job does']();
	await expect(page.getByRole('alert')).toContainText('description');
	await expect(title).toHaveValue('Mine');
	await page.getByRole('button', { name: 'Take theirs' }).click();
	await expect(title).not.toHaveValue('Mine');
	await title.fill('Mine again');
	const described = await w.acts['what a job does']();
	await page.getByRole('button', { name: 'Apply mine again' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Mine again' })).toBeVisible();
	await expect(page.getByText(described)).toBeVisible();
	await still();

	// Gone beneath somebody who types: nothing of theirs is lost.
	const at = `/api/projects/${String(w.project)}/scripts`;
	const made = await api.ok('POST', at, {
		tool: 'shell',
		name: 'for a while',
		location_type: 'uploaded',
		content: 'true',
	});
	await page.goto(`/scripts/${String(made.id)}`);
	await expect(page.getByText('No job uses this script.')).toBeVisible();
	// From here on the page hears of what happens.
	await api.ok('PATCH', `/api/scripts/${String(made.id)}`, { description: 'theirs' }, { 'if-match': '"v1"' });
	await expect(page.getByLabel('Description')).toHaveValue('theirs');
	await page.getByLabel('Description').fill('half a sent');
	await api.ok('DELETE', `/api/scripts/${String(made.id)}`, undefined, { 'if-match': '"v2"' });
	await expect(page.getByText('What this page shows was removed')).toBeVisible();
	await expect(page.getByLabel('Description')).toHaveValue('half a sent');
});

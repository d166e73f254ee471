import { z } from 'zod';
import type { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { Job } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import type { RunItem } from '#domain/run.ts';
import type { User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { AgentPage } from '#lib/fleet/pages.ts';
import { RunPage } from '#lib/run/pages.ts';

/** Whether the hub waits for its first admin. */
export const SetupState = z.object({ needed: z.boolean() });

/** What the job of the first run is called: by it a reload finds the run again. */
export const HELLO = 'hello';
export const HELLO_SCRIPT = `#!/bin/sh
printf '\\033[1;32mHello from %s\\033[0m\\n' "$(hostname)"
uname -sr
for n in 1 2 3 4 5; do
	echo "step $n of 5"
	sleep 0.6
done
echo 'It works.'
`;

export const setupSteps = ['admin', 'project', 'agent', 'hello'] as const;
export type SetupStep = (typeof setupSteps)[number];

/** How far the hub is. Read from the hub alone, so that a reload, or another browser, goes on where it was left. */
export interface Progress {
	me: User | null;
	project: ProjectView | null;
	/** The one that will run hello: an online one, else the newest that was not shut out. */
	agent: Agent | null;
	job: Job | null;
	run: RunItem | null;
}

/** The first step that is not done; null when all are. */
export function nextStep({ me, project, agent, run }: Progress): SetupStep | null {
	if (!me) return 'admin';
	if (!project) return 'project';
	if (agent?.status !== 'online' && !run) return 'agent';
	return run?.status === 'success' ? null : 'hello';
}

/** The agent among these, newest first, that the set-up is about. */
export const chosenAgent = (agents: readonly Agent[]): Agent | null =>
	agents.find((a) => a.status === 'online') ?? agents.find((a) => a.status !== 'revoked') ?? null;

/** `fetch`: SvelteKit's own, inside a `load`. */
export async function loadAgent(call: { fetch?: typeof fetch } = {}): Promise<Agent | null> {
	const query = { sort: '-created_at', limit: 50 };
	return chosenAgent((await api.get('/agents', AgentPage, { ...call, query })).items);
}

export async function loadProgress(me: User, call: { fetch?: typeof fetch }): Promise<Progress> {
	const [projects, agent] = await Promise.all([
		api.get('/projects', pageOf(ProjectView), { ...call, query: { sort: 'created_at', limit: 200 } }),
		loadAgent(call),
	]);
	const project = projects.items.find((p) => p.status === 'active') ?? null;
	if (!project) return { me, project, agent, job: null, run: null };
	const query = { q: HELLO, sort: 'created_at', limit: 50 };
	const jobs = await api.get(`/projects/${String(project.id)}/jobs`, pageOf(Job), { ...call, query });
	const job = jobs.items.find((j) => j.title === HELLO) ?? null;
	if (!job) return { me, project, agent, job, run: null };
	const runs = await api.get('/runs', RunPage, { ...call, query: { job_id: job.id, limit: 1 } });
	return { me, project, agent, job, run: runs.items[0] ?? null };
}

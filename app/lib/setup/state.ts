import { z } from 'zod';
import type { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { JobItem } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import type { User } from '#domain/user.ts';
import { api } from '#lib/api/client.ts';
import { AgentPage } from '#lib/fleet/pages.ts';
import { RunPage } from '#lib/run/pages.ts';
import { chosenAgent, type Progress } from './steps.ts';

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
	const jobs = await api.get(`/projects/${String(project.id)}/jobs`, pageOf(JobItem), { ...call, query });
	const job = jobs.items.find((j) => j.title === HELLO) ?? null;
	if (!job) return { me, project, agent, job, run: null };
	const runs = await api.get('/runs', RunPage, { ...call, query: { job_id: job.id, limit: 1 } });
	return { me, project, agent, job, run: runs.items[0] ?? null };
}

import type { Agent } from '#domain/agent.ts';
import type { JobItem } from '#domain/job.ts';
import type { ProjectView } from '#domain/project.ts';
import type { RunItem } from '#domain/run.ts';
import type { User } from '#domain/user.ts';

export const setupSteps = ['admin', 'project', 'agent', 'hello'] as const;
export type SetupStep = (typeof setupSteps)[number];

/** How far the hub is. Read from the hub alone, so that a reload, or another browser, goes on where it was left. */
export interface Progress {
	me: User | null;
	project: ProjectView | null;
	/** The one that will run hello: an online one, else the newest that was not shut out. */
	agent: Agent | null;
	job: JobItem | null;
	run: RunItem | null;
}

/** The first step that is not done; null when all are. */
export function nextStep({ me, project, agent, run }: Progress): SetupStep | null {
	if (!me) return 'admin';
	if (!project) return 'project';
	if (agent?.status !== 'online' && !run) return 'agent';
	return run?.status === 'success' ? null : 'hello';
}

/** It came with an archive, which holds no keys: it has to enrol again. */
export const isKeyless = ({ fingerprint }: Agent): boolean => fingerprint === '';

/** The agent among these, newest first, that the set-up is about. */
export const chosenAgent = (agents: readonly Agent[]): Agent | null =>
	agents.find((a) => a.status === 'online') ?? agents.find((a) => a.status !== 'revoked' && !isKeyless(a)) ?? null;

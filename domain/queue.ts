import type { ExecutionBackend } from './backend.ts';
import type { Labels } from './labels.ts';
import type { ProjectStatus } from './project.ts';
import type { Reason } from './run-reason.ts';
import type { RunStatus } from './run.ts';

// A project's queue as the record tells it and its room decides on it.

/** Runs that the same agents can carry out, and that the same freezes hold back. */
export interface Lane {
	name: string;
	backend: ExecutionBackend;
	labels: Labels;
	/** The hub itself carries them out. */
	by_hub: boolean;
	/** The one agent that has what they need; null: any that fits. */
	only_agent: number | null;
	frozen: Frozen | null;
	/** There are others behind those that were looked at. */
	more: boolean;
}

/** A freeze holds the runs back: until when (null: for longer than is known), and in what words. */
export interface Frozen {
	until: string | null;
	why: string;
}

/** A run that waits. */
export interface Queued {
	run_id: number;
	lane: Lane;
	concurrency_key: string | null;
	not_before: string | null;
	reason: Reason | null;
}

/** An agent that is online and serves the project. */
export interface Candidate {
	id: number;
	name: string;
	labels: Labels;
	backends: readonly string[];
	/** It takes nothing new. */
	draining: boolean;
}

export interface Queue {
	project_status: ProjectStatus;
	/** How many wait at all, whatever for; not counted any further than is worth it. */
	queued: number;
	/** The first of each lane, all together in the order in which they are to start. */
	waiting: readonly Queued[];
	agents: readonly Candidate[];
	/** Where the runs stand that hold a concurrency key. */
	holders: readonly { run_id: number; status: RunStatus }[];
}

/** What the room knows better than the record. */
export interface Known {
	/** Runs that an agent was given, and that the record still shows as queued. */
	placed: ReadonlySet<number>;
	/** Concurrency keys, and which run holds each. */
	keys: readonly { key: string; run_id: number }[];
}

import type { FromAgent, KnownRun } from '#protocol/agent.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Executor } from './executors/contract.ts';
import type { Journal } from './journal.ts';
import type { Log } from './log.ts';
import type { StopReason } from './outcome.ts';
import type { Surroundings } from './preparation.ts';
import type { Ledger } from './signatures.ts';
import type { Budget } from './spool.ts';

/** What a run needs of the agent around it. */
export interface Agent extends Surroundings {
	journal: Journal;
	/** The hub's origin, as it was named at the enrolment. */
	hub: string;
	ledger: Ledger;
	budget: Budget;
	/** Those this agent has. */
	executors: Partial<Record<RunSpec['execution']['backend'], Executor>>;
	log: Log;
	/** Milliseconds UTC. */
	now: () => number;
	/** The protocol the hub speaks; null before it was reached. Hubs before 2 know no records. */
	protocol: () => number | null;
	/** Both drop what cannot be sent: after a reconnect everything that matters is said again. */
	send: (frame: FromAgent) => void;
	sendChunk: (chunk: Uint8Array) => void;
}

/** A run as the worker deals with it, whether it lives or is only remembered. */
export interface HeldRun {
	readonly run_id: number;
	readonly epoch: number;
	/** It takes up capacity. */
	readonly active: boolean;
	/** Nothing of it lives, and its end is in the journal. */
	readonly over: Promise<void>;
	/** The hub has its end, and it is forgotten. */
	readonly gone: Promise<void>;
	known(): KnownRun;
	grant(): void;
	/** The hub has everything before `next_seq`. */
	resume(next_seq: number): void;
	/** The hub is away. */
	pause(): void;
	ack(seq: number): void;
	stop(why: StopReason): void;
	/** It is not this agent's any more: end it, tell nobody. */
	drop(): void;
	/** The hub has the finish. */
	finished(): void;
}

import type { AuditLink, AuditRewind } from '#domain/audit.ts';
import type { Actor } from '#domain/permissions.ts';
import type { Entity, Touch } from '#protocol/browser.ts';
import type { Db } from '../db/client.ts';
import type { MailSettings } from './mails/settings.ts';

/**
 * How the caller proved who they are: a session or an API token still to be looked up by the SHA-256 of its secret (in the same batch
 * as the work), or an actor already known.
 */
export type Credential =
	{ kind: 'session' | 'token'; hash: string } | { kind: 'actor'; actor: Actor } | { kind: 'none' };

/** A row that changed, for the open pages of its project; `row: null` when it is gone. */
export interface RowChange {
	project_id: number;
	entity: Entity;
	id: number;
	row: object | null;
}

/** What the services tell the live side, always after the commit. A failure here loses nothing: rooms catch up from D1. */
export interface Live {
	changed(changes: RowChange[]): Promise<void>;
	/** Something changed that belongs to no project, or was written into the audit: by kind, for every open page it concerns. */
	touched(touches: Touch[]): Promise<void>;
	/** A run waits: its project's room takes it from here. */
	queued(run: { id: number; project_id: number }): Promise<void>;
	/** Something of the project may wait whose room was not told. */
	look(project_id: number): Promise<void>;
	/** Someone wants a run stopped. */
	cancel(run: { id: number; project_id: number }): Promise<void>;
	/** People decided something about a run that waits: its stream reads the row anew, and its room looks whether it may go. */
	decided(run: { id: number; project_id: number }): Promise<void>;
	/** An agent may no longer speak, or may again: its link reads the row anew. */
	agentChanged(agent_id: number): Promise<void>;
	/** Somebody may no longer be where they have sockets open (`user_id` null: anybody in that project). Each room asks the record. */
	rightsChanged(where: readonly { project_id: number; user_id: number | null }[]): Promise<void>;
}

/** Bytes under keys. Keys are the server's own, never a client's. */
export interface Store {
	put(key: string, bytes: Uint8Array): Promise<void>;
	get(key: string): Promise<Uint8Array | null>;
}

/**
 * Remembers outside of the database how far the audit's chain came, so that whoever writes to the database cannot have the hub seal a
 * history of theirs. A database that is brought back to an earlier time is seen here too.
 */
export interface Witness {
	recall(): Promise<{ link: AuditLink | null; rewinds: readonly AuditRewind[] }>;
	/** The chain came as far as this; what lies before what is known changes nothing. */
	sealed(link: AuditLink): Promise<void>;
	/** What is remembered is no link of the chain any more: from now on `link` (null: none) counts. */
	rewound(rewind: AuditRewind, link: AuditLink | null): Promise<void>;
}

/** Everything a verb needs of the world. */
export interface Ctx {
	db: Db;
	credential: Credential;
	live: Live;
	store: Store;
	witness: Witness;
	/** Networks of one's own that the hub may call, beside the open internet. */
	networks: readonly string[];
	/** Where the hub is reached from outside; null where nobody said. */
	url: string | null;
	/** Milliseconds UTC. */
	now: () => number;
	request_id: string;
	ip: string | null;
	/** The claim of this request's Idempotency-Key, put into the batch that does the work. */
	idempotency: { key: string; request_hash: string } | null;
	/** How mails leave the hub, if they do. */
	mail: () => MailSettings;
	/** Sends what webhooks are to be told, and mails. The clock does it too: a call that is lost delays, and loses nothing. */
	deliver: () => Promise<void>;
	/** Work that may outlive the answer. */
	after: (work: Promise<unknown>) => void;
}

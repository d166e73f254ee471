import { SvelteMap } from 'svelte/reactivity';
import type { z } from 'zod';
import { Project } from '#domain/project.ts';
import { Run } from '#domain/run.ts';
import type { Change, Entity, Person } from '#protocol/browser.ts';
import { changed, refresh } from './anew.ts';
import { ProjectSocket } from './project-socket.ts';
import { Rows } from './rows.svelte.ts';

/** Rooms entered at once. */
export const ROOMS_MAX = 24;

/** Kinds that change by themselves, many times a minute: one that is in its place on the page already loads nothing anew. */
const OFTEN: readonly Entity[] = ['run', 'incident_entry'];

/** `missed`: something may have changed, and nothing is told of it. */
type Listener = (missed: boolean) => void;

/** Everything that changes while one looks: a socket for each visible project, the rows they told of, the people there. */
class Live {
	readonly project = new Rows(Project);
	readonly run = new Rows(Run);
	/** By what they are rows of; the kinds that only some pages show come with those pages. */
	readonly #kinds = new Map<Entity, { take(change: Change): void; held(id: number): boolean }>([
		['project', this.project],
		['run', this.run],
	]);
	#hearing: readonly { entity: Entity; listener: Listener }[] = [];
	readonly #rooms = new Map<number, ProjectSocket>();
	readonly #people = new SvelteMap<number, Person[]>();
	#where: { project_id: number | null; path: string } = { project_id: null, path: '/' };
	/** A room was closed to this page for good, as `protocol/close-codes.ts` says why. */
	onlost: (code: number) => void = () => {};

	/** From now on the rows of another kind are kept too: for the module of the pages that show them. */
	also<T extends { id: number; version: number }>(entity: Entity, schema: z.ZodType<T>): Rows<T> {
		const rows = new Rows(schema);
		this.#kinds.set(entity, rows);
		return rows;
	}

	/**
	 * Calls `listener` when rows of that kind changed, or may have: for what is shown and no `load` has asked for. Also where no rows of
	 * that kind are kept. An effect: its answer stops it.
	 */
	hear(entity: Entity, listener: Listener): () => void {
		const one = { entity, listener };
		this.#hearing = [...this.#hearing, one];
		return () => {
			this.#hearing = this.#hearing.filter((other) => other !== one);
		};
	}

	/** What happened meanwhile is not told: whatever shows rows asks for them anew. */
	missed(): void {
		refresh();
		for (const { listener } of this.#hearing) listener(true);
	}

	/** Enters the rooms of these projects and leaves the others. */
	join(project_ids: number[]): void {
		const wanted = new Set(project_ids.slice(0, ROOMS_MAX));
		for (const [id, room] of this.#rooms)
			if (!wanted.has(id)) {
				room.close();
				this.#rooms.delete(id);
				this.#people.delete(id);
			}
		for (const id of wanted) if (!this.#rooms.has(id)) this.#rooms.set(id, this.#enter(id));
	}

	leave(): void {
		this.join([]);
	}

	/** Tells the rooms where this page is; a room learns of pages of its own project only. */
	at(project_id: number | null, path: string): void {
		this.#where = { project_id, path };
		for (const [id, room] of this.#rooms) room.at(this.#pathIn(id));
	}

	/** Who is in this project, one entry for each person and page. Without a project: everyone in any of them. */
	people(project_id: number | null): Person[] {
		const all = project_id === null ? [...this.#people.values()].flat() : (this.#people.get(project_id) ?? []);
		return all.filter((p, i) => all.findIndex((q) => q.user_id === p.user_id && q.path === p.path) === i);
	}

	#enter(project_id: number): ProjectSocket {
		return new ProjectSocket(project_id, {
			path: () => this.#pathIn(project_id),
			changes: (changes) => {
				for (const change of changes) {
					const rows = this.#kinds.get(change.entity);
					rows?.take(change);
					if (!OFTEN.includes(change.entity) || !rows?.held(change.id)) changed(change, project_id);
				}
				for (const { entity, listener } of this.#hearing)
					if (changes.some((change) => change.entity === entity)) listener(false);
			},
			people: (people) => this.#people.set(project_id, people),
			reset: () => {
				this.missed();
			},
			lost: (code) => {
				this.onlost(code);
			},
		});
	}

	#pathIn(project_id: number): string {
		return this.#where.project_id === project_id ? this.#where.path : '/';
	}
}

export const live = new Live();

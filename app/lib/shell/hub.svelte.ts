import { createContext } from 'svelte';
import type { ProjectView } from '#domain/project.ts';
import type { PublicUser, User } from '#domain/user.ts';
import { live } from '#lib/live/live.svelte.ts';
import { m } from '#lib/paraglide/messages.js';

interface Loaded {
	me: User;
	projects: ProjectView[];
	users: PublicUser[];
}

/** What every page of the signed-in hub knows: who I am, which projects I see, what people are called. */
export class Hub {
	readonly #loaded: () => Loaded;

	constructor(loaded: () => Loaded) {
		this.#loaded = loaded;
	}

	get me(): User {
		return this.#loaded().me;
	}

	projects = $derived.by(() => live.project.merge(this.#loaded().projects));
	users = $derived.by(() => this.#loaded().users);

	/** What a person is called. */
	name(user_id: number | null): string {
		if (user_id === null) return m.none();
		const user = this.users.find((u) => u.id === user_id);
		return user ? (user.display_name ?? user.username) : `#${String(user_id)}`;
	}

	project(id: number): ProjectView | null {
		return this.projects.find((p) => p.id === id) ?? null;
	}
}

export const [getHub, setHub] = createContext<Hub>();

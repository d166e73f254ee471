import { createContext } from 'svelte';

export interface Crumb {
	label: string;
	href: string;
}

/** What the page on show says of itself to the bar above it. */
export class Trail {
	crumbs = $state.raw<Crumb[]>([]);
	project_id = $state<number | null>(null);
}

export const [getTrail, setTrail] = createContext<Trail>();

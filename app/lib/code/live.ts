import { GitChange, GitRepo } from '#domain/repo.ts';
import { live } from '#lib/live/live.svelte.ts';

/** What changes in the code while one looks at it. */
export const changed = { repo: live.also('repo', GitRepo), change: live.also('change', GitChange) };

import type { LocalConfig } from '#domain/backend-config.ts';
import { isUnder } from './paths.ts';

/** What the policy has against a program on this host; null: nothing. */
export const localRefusal = ({ cwd }: LocalConfig, roots: readonly string[]): string | null =>
	cwd === undefined || roots.some((root) => isUnder(cwd, root))
		? null
		: `does not allow the working directory ${cwd} (cwd)`;

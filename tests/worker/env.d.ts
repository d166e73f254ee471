/// <reference types="@cloudflare/vitest-plugin/types" />
import type { D1Migration } from 'cloudflare:test';
import type worker from '#worker/index.ts';

declare global {
	namespace Cloudflare {
		interface GlobalProps {
			mainModule: { default: typeof worker };
		}
		interface Env {
			/** Set by `npm run fuzz`. */
			FUZZ_SEED?: string;
			FUZZ_RUNS?: string;
			TEST_MIGRATIONS: D1Migration[];
		}
	}
}

/// <reference types="@cloudflare/vitest-plugin/types" />
import type { D1Migration } from 'cloudflare:test';
import type worker from '#worker/index.ts';

declare global {
	namespace Cloudflare {
		interface GlobalProps {
			mainModule: { default: typeof worker };
		}
		interface Env {
			TEST_MIGRATIONS: D1Migration[];
		}
	}
}

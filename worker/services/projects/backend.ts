import type { Execution } from '#domain/backend.ts';
import { executionErrors } from '#domain/backend-config.ts';
import { DomainError } from '#domain/errors.ts';
import type { Ctx } from '../context.ts';

/** The backend's configuration is strictly of its schema, and there where it is needed. */
export function assertBackend(ctx: Ctx, execution: Execution): void {
	const errors = executionErrors(execution, ctx.networks);
	if (errors.length > 0) throw new DomainError('invalid', 'The request is not valid.', { errors });
}

import { isFinal, type Run } from '#domain/run.ts';

/**
 * Which of two rows of a run is shown. The run's stream says what it decided before the record has it, under the version it knows: of the
 * same version what came later counts, of an older one only that the run is over.
 */
export const newer = (shown: Run, told: Run): Run =>
	told.version >= shown.version || (isFinal(told.status) && !isFinal(shown.status)) ? told : shown;

/** Fills an empty hub with the demo; safe to call again, when it gives the four demo accounts this password. */
export function seedDemo(_env: Env, _demo: { password: string }): Promise<void> {
	throw new Error('the demo is not written yet');
}

/** A single-use enrolment token for the local agent: every project, the local backend, uploaded scripts allowed. */
export function issueLocalEnrolment(_env: Env): Promise<{ token: string }> {
	throw new Error('the local enrolment is not written yet');
}

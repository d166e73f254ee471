import type { ParameterType } from '#domain/parameter.ts';
import { m } from '#lib/paraglide/messages.js';

export const parameterType: Record<ParameterType, () => string> = {
	text: m.parameter_type_text,
	number: m.parameter_type_number,
	choice: m.parameter_type_choice,
	date: m.parameter_type_date,
	hosts: m.parameter_type_hosts,
	secret: m.parameter_type_secret,
};

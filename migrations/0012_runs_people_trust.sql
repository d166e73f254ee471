CREATE TABLE `hub_secrets` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`name` text NOT NULL,
	`secret` text,
	`secret_for` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `hub_secrets_name` ON `hub_secrets` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `job_signatures` (
	`job_id` integer NOT NULL,
	`environment_id` integer NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`serial` integer NOT NULL,
	`not_after` integer,
	`template_sha256` text NOT NULL,
	`signed_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `environment_id`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `approvals` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` integer NOT NULL,
	`project_id` integer NOT NULL,
	`requested_by_id` integer NOT NULL,
	`decided_by_id` integer,
	`decision` text DEFAULT 'pending' NOT NULL,
	`reason` text,
	`hash` text NOT NULL,
	`expires_at` integer NOT NULL,
	`decided_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`requested_by_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`decided_by_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `approvals_run` ON `approvals` (`run_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `approvals_decider` ON `approvals` (`run_id`,`decided_by_id`) WHERE decided_by_id is not null;--> statement-breakpoint
CREATE INDEX `approvals_pending` ON `approvals` (`expires_at`) WHERE decision = 'pending';--> statement-breakpoint
CREATE INDEX `approvals_project` ON `approvals` (`project_id`,`decision`,`id`);--> statement-breakpoint
ALTER TABLE `agents` ADD `draining` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `terraform_plans` ADD `run_id` integer REFERENCES runs(id);--> statement-breakpoint
ALTER TABLE `terraform_plans` ADD `agent_id` integer REFERENCES agents(id);--> statement-breakpoint
ALTER TABLE `terraform_plans` ADD `plan_sha256` text;--> statement-breakpoint
ALTER TABLE `terraform_plans` ADD `applied_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `terraform_plans_made` ON `terraform_plans` (`run_id`,`plan_sha256`) WHERE run_id is not null;--> statement-breakpoint
ALTER TABLE `jobs` ADD `auto_start` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `concurrency_key` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `retry` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `parameters_schema` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `arguments` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `targets` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `execution_backend` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `execution_backend_config` text;--> statement-breakpoint
CREATE INDEX `jobs_auto_start` ON `jobs` (`project_id`,`planned_start`) WHERE auto_start = 1 and status = 'planned';--> statement-breakpoint
ALTER TABLE `runs` ADD `secret_parameters` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `runs` ADD `hosts` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `check_mode` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `runs` ADD `plan_id` integer;--> statement-breakpoint
ALTER TABLE `runs` ADD `scheduled_for` integer;--> statement-breakpoint
ALTER TABLE `runs` ADD `not_before` integer;--> statement-breakpoint
ALTER TABLE `runs` ADD `concurrency_key` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `approvals_needed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `runs` ADD `approval_hash` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `approval_expires_at` integer;--> statement-breakpoint
ALTER TABLE `runs` ADD `steps` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `runs_scheduled` ON `runs` (`job_id`,`scheduled_for`) WHERE scheduled_for is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `runs_attempt` ON `runs` (`retry_of`,`attempt`) WHERE retry_of is not null and not_before is not null;
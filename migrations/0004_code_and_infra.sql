CREATE TABLE `git_changes` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`repo_id` integer NOT NULL,
	`job_id` integer,
	`incident_id` integer,
	`verdict` text,
	`change_type` text NOT NULL,
	`external_id` text NOT NULL,
	`title` text,
	`url` text,
	`author` text,
	`branch` text,
	`committed_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`repo_id`) REFERENCES `git_repos`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`incident_id`) REFERENCES `incidents`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `git_changes_external` ON `git_changes` (`repo_id`,`change_type`,`external_id`);--> statement-breakpoint
CREATE INDEX `git_changes_project` ON `git_changes` (`project_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `git_changes_job` ON `git_changes` (`job_id`);--> statement-breakpoint
CREATE INDEX `git_changes_incident` ON `git_changes` (`incident_id`);--> statement-breakpoint
CREATE TABLE `clusters` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`name` text NOT NULL,
	`kubeconfig_ref` text NOT NULL,
	`environment_id` integer,
	`api_server_url` text,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`environment_id`) REFERENCES `environments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `clusters_name` ON `clusters` (`project_id`,`name`);--> statement-breakpoint
CREATE INDEX `clusters_environment` ON `clusters` (`environment_id`);--> statement-breakpoint
CREATE TABLE `inventories` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`source_type` text NOT NULL,
	`source_location` text NOT NULL,
	`repo_id` integer,
	`revision` text,
	`summary` text,
	`format` text,
	`sha256` text,
	`size` integer,
	`group_count` integer DEFAULT 0 NOT NULL,
	`host_count` integer DEFAULT 0 NOT NULL,
	`groups_json` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`repo_id`) REFERENCES `git_repos`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `inventories_project` ON `inventories` (`project_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `inventories_repo` ON `inventories` (`repo_id`);--> statement-breakpoint
CREATE TABLE `metric_refs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`incident_id` integer,
	`label` text NOT NULL,
	`url` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`incident_id`) REFERENCES `incidents`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `metric_refs_project` ON `metric_refs` (`project_id`,`label`,`id`);--> statement-breakpoint
CREATE INDEX `metric_refs_incident` ON `metric_refs` (`incident_id`);--> statement-breakpoint
CREATE TABLE `terraform_plans` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`job_id` integer,
	`source_type` text NOT NULL,
	`source_location` text NOT NULL,
	`repo_id` integer,
	`revision` text,
	`summary` text,
	`raw_plan_path` text,
	`sha256` text,
	`size` integer,
	`terraform_version` text,
	`counts` text,
	`resource_changes` text DEFAULT '[]' NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`repo_id`) REFERENCES `git_repos`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `terraform_plans_project` ON `terraform_plans` (`project_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `terraform_plans_job` ON `terraform_plans` (`job_id`);--> statement-breakpoint
CREATE INDEX `terraform_plans_repo` ON `terraform_plans` (`repo_id`);--> statement-breakpoint
CREATE TABLE `git_repos` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`provider` text NOT NULL,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`default_branch` text NOT NULL,
	`credentials_ref` text,
	`webhook_secret_ref` text,
	`last_synced_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `git_repos_name` ON `git_repos` (`project_id`,`name`);--> statement-breakpoint
ALTER TABLE `script_refs` ADD `repo_id` integer REFERENCES git_repos(id);--> statement-breakpoint
ALTER TABLE `script_refs` ADD `revision` text;--> statement-breakpoint
CREATE INDEX `script_refs_repo` ON `script_refs` (`repo_id`);
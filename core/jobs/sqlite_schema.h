// The tables of the embedded store. Internal to core/jobs.
#ifndef PLUMBLINE_CORE_JOBS_SQLITE_SCHEMA_H_
#define PLUMBLINE_CORE_JOBS_SQLITE_SCHEMA_H_

#include <vector>

namespace plumbline {

// Migration i brings a database from version i to i + 1 (PRAGMA user_version). A released migration
// is never changed; a new version is appended.
const std::vector<const char*>& SqliteMigrations();

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_SQLITE_SCHEMA_H_

// SPDX-License-Identifier: Apache-2.0
#include "agent/task.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/units.h"
#include "selftests/harness/task_rig.h"
#include "selftests/harness/test.h"

static struct ct_resources resources(const char *members)
{
	cleanup_task_spec struct task_spec *t = NULL;
	char doc[512];

	(void)snprintf(doc, sizeof(doc), "{'cmd':'x','resources':{%s}}", members);
	t = rig_parse(doc);
	return t->ct.resources;
}

static void refused(int line, const char *members, const char *key, const char *reason)
{
	char doc[512], full[128];

	(void)snprintf(doc, sizeof(doc), "{'cmd':'x','resources':{%s}}", members);
	(void)snprintf(full, sizeof(full), "resources.%s", key);
	rig_refused(__FILE__, line, doc, full, reason);
}

#define REFUSED_RES(members, key, reason) refused(__LINE__, members, key, reason)

TEST(rates_arrive_in_bits_a_second_and_go_again)
{
	struct ct_resources r = resources("'egress':'20mbit','egress_burst':'64K',"
					  "'ingress':1500000,'ingress_burst':1500");

	EXPECT_EQ(r.egress_bps, 20000000);
	EXPECT_EQ(r.egress_burst_bytes, 64 << 10);
	EXPECT_EQ(r.ingress_bps, 1500000);
	EXPECT_EQ(r.ingress_burst_bytes, 1500);
	r = resources("'egress':'max','ingress':null");
	EXPECT_TRUE(r.egress_bps == CT_UNSET);
	EXPECT_TRUE(r.ingress_bps == CT_UNSET);
	EXPECT_TRUE(r.egress_burst_bytes == CT_UNSET);
}

TEST(nothing_asked_for_means_no_limits)
{
	struct ct_resources r = resources("");

	EXPECT_TRUE(r.cpu_quota_us == CT_UNSET);
	EXPECT_EQ(r.cpu_period_us, 100000);
	EXPECT_TRUE(r.cpu_burst_us == CT_UNSET);
	EXPECT_TRUE(r.cpu_weight == CT_UNSET);
	EXPECT_TRUE(r.memory_max_bytes == CT_UNSET);
	EXPECT_TRUE(r.memory_high_bytes == CT_UNSET);
	EXPECT_TRUE(r.memory_low_bytes == CT_UNSET);
	EXPECT_TRUE(r.memory_swap_max_bytes == CT_UNSET);
	EXPECT_TRUE(r.pids_max == CT_UNSET);
}

TEST(every_limit_arrives)
{
	struct ct_resources r = resources("'cpus':0.5,'cpu_period':'20ms','cpu_burst':'10ms',"
					  "'cpu_weight':200,'memory':'64M','memory_high':50331648,"
					  "'memory_low':'1M','swap':0,'pids':7");

	EXPECT_EQ(r.cpu_quota_us, 10000);
	EXPECT_EQ(r.cpu_period_us, 20000);
	EXPECT_EQ(r.cpu_burst_us, 10000);
	EXPECT_EQ(r.cpu_weight, 200);
	EXPECT_EQ(r.memory_max_bytes, 64 << 20);
	EXPECT_EQ(r.memory_high_bytes, 48 << 20);
	EXPECT_EQ(r.memory_low_bytes, 1 << 20);
	EXPECT_EQ(r.memory_swap_max_bytes, 0);
	EXPECT_EQ(r.pids_max, 7);
}

TEST(cpus_are_a_number_or_the_same_as_text)
{
	EXPECT_EQ(resources("'cpus':1").cpu_quota_us, 100000);
	EXPECT_EQ(resources("'cpus':'0.25'").cpu_quota_us, 25000);
	EXPECT_EQ(resources("'cpus':0.01").cpu_quota_us, 1000);
	EXPECT_EQ(resources("'cpus':0.333333").cpu_quota_us, 33333);
	EXPECT_EQ(resources("'cpus':0.1,'cpu_period':'10ms'").cpu_quota_us, 1000);
	EXPECT_EQ(resources("'cpus':0.001,'cpu_period':1").cpu_quota_us, 1000);
	EXPECT_EQ(resources("'cpus':1e-2").cpu_quota_us, 1000);
}

TEST(null_and_max_are_no_limit)
{
	struct ct_resources r = resources("'cpus':'max','memory':null,'pids':'max','swap':'max',"
					  "'cpu_weight':null,'cpu_burst':null,'cpu_period':null");

	EXPECT_TRUE(r.cpu_quota_us == CT_UNSET);
	EXPECT_EQ(r.cpu_period_us, 100000);
	EXPECT_TRUE(r.memory_max_bytes == CT_UNSET);
	EXPECT_TRUE(r.pids_max == CT_UNSET);
	EXPECT_TRUE(r.memory_swap_max_bytes == CT_UNSET);
	EXPECT_TRUE(r.cpu_weight == CT_UNSET);
	EXPECT_TRUE(r.cpu_burst_us == CT_UNSET);
}

TEST(more_cpus_than_the_node_has_are_refused)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	char members[64], says[256];

	(void)snprintf(members, sizeof(members), "'cpus':%ld", n);
	EXPECT_EQ(resources(members).cpu_quota_us, n * 100000);
	(void)snprintf(members, sizeof(members), "'cpus':'%ld.01'", n);
	(void)snprintf(says, sizeof(says),
		       "\"%ld.01\" is out of range, allowed is 0.01 to %ld, the CPUs of this node",
		       n, n);
	REFUSED_RES(members, "cpus", says);
	(void)snprintf(says, sizeof(says),
		       "1.0000000000000001e300 is out of range, allowed is 0.01 to %ld, the CPUs "
		       "of this node",
		       n);
	REFUSED_RES("'cpus':1e300", "cpus", says);
	(void)snprintf(says, sizeof(says),
		       "-1 is out of range, allowed is 0.01 to %ld, the CPUs of this node", n);
	REFUSED_RES("'cpus':-1", "cpus", says);
	(void)snprintf(says, sizeof(says),
		       "0 is out of range, allowed is 0.01 to %ld, the CPUs of this node", n);
	REFUSED_RES("'cpus':0", "cpus", says);
}

TEST(more_memory_than_the_node_has_is_refused)
{
	uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char members[64], says[256], max[16];

	(void)format_bytes(max, sizeof(max), total);
	(void)snprintf(members, sizeof(members), "'memory':%llu", (unsigned long long)total);
	EXPECT_EQ(resources(members).memory_max_bytes, total);
	(void)snprintf(members, sizeof(members), "'memory':%llu", (unsigned long long)total + 1);
	(void)snprintf(says, sizeof(says),
		       "%llu is out of range, allowed is 1M to %s, the memory of this node",
		       (unsigned long long)total + 1, max);
	REFUSED_RES(members, "memory", says);
	(void)snprintf(says, sizeof(says),
		       "\"1000T\" is out of range, allowed is 1M to %s, the memory of this node",
		       max);
	REFUSED_RES("'memory_high':'1000T'", "memory_high", says);
	(void)snprintf(says, sizeof(says),
		       "1048575 is out of range, allowed is 1M to %s, the memory of this node",
		       max);
	REFUSED_RES("'memory':1048575", "memory", says);
	(void)snprintf(says, sizeof(says),
		       "\"1000T\" is out of range, allowed is 0 to %s, the memory of this node",
		       max);
	REFUSED_RES("'memory_low':'1000T'", "memory_low", says);
}

TEST(wrong_limits_are_told_with_what_is_allowed)
{
	static const char size[] = "a number of bytes or text such as \"256M\"";
	char says[256];

	REFUSED_RES("'cpus':'half'", "cpus",
		    "\"half\" is no number of CPUs, allowed is for example 0.5");
	REFUSED_RES("'cpus':[1]", "cpus", "is an array, must be a number of CPUs, also as text");
	REFUSED_RES(
		"'cpus':0.001", "cpus",
		"0.001 is out of range, allowed is at least 0.01 with a cpu_period of 100000us");
	REFUSED_RES("'cpus':0.05,'cpu_period':'10ms'", "cpus",
		    "0.05 is out of range, allowed is at least 0.1 with a cpu_period of 10000us");
	REFUSED_RES("'cpu_period':100000", "cpu_period",
		    "100000 is out of range, allowed is 1ms to 1s");
	REFUSED_RES("'cpu_period':'999us'", "cpu_period",
		    "\"999us\" is out of range, allowed is 1ms to 1s");
	REFUSED_RES("'cpu_period':true", "cpu_period",
		    "true is a truth value, must be a number of seconds or text such as \"500ms\"");
	REFUSED_RES("'cpu_burst':'1ms'", "cpu_burst", "given without cpus, which it needs");
	REFUSED_RES("'cpus':0.5,'cpu_burst':'51ms'", "cpu_burst",
		    "51ms is out of range, allowed is at most 50ms, which is cpus * cpu_period");
	REFUSED_RES("'cpu_weight':0", "cpu_weight", "0 is out of range, allowed is 1 to 10000");
	REFUSED_RES("'cpu_weight':10001", "cpu_weight",
		    "10001 is out of range, allowed is 1 to 10000");
	REFUSED_RES("'cpu_weight':1.5", "cpu_weight", "1.5 is a number, must be a whole number");
	(void)snprintf(says, sizeof(says), "\"256Q\" is no size, allowed is %s", size);
	REFUSED_RES("'memory':'256Q'", "memory", says);
	(void)snprintf(says, sizeof(says), "-1 is no size, allowed is %s", size);
	REFUSED_RES("'memory':-1", "memory", says);
	(void)snprintf(says, sizeof(says), "1.5 is a number, must be %s", size);
	REFUSED_RES("'memory':1.5", "memory", says);
	(void)snprintf(says, sizeof(says), "\"1M\\u0000\" is no size, allowed is %s", size);
	REFUSED_RES("'memory':'1M\\u0000'", "memory", says);
	REFUSED_RES("'memory':'2M','memory_high':'3M'", "memory_high",
		    "3M is out of range, allowed is at most memory, 2M");
	REFUSED_RES("'memory':'2M','memory_low':'3M'", "memory_low",
		    "3M is out of range, allowed is at most memory, 2M");
	REFUSED_RES("'egress':0", "egress", "0 is out of range, allowed is 64kbit to 1tbit");
	REFUSED_RES("'egress':'63kbit'", "egress",
		    "\"63kbit\" is out of range, allowed is 64kbit to 1tbit");
	REFUSED_RES("'ingress':'1.1tbit'", "ingress",
		    "\"1.1tbit\" is out of range, allowed is 64kbit to 1tbit");
	REFUSED_RES("'egress':-1", "egress",
		    "-1 is no rate, allowed is a number of bits a second or text such as "
		    "\"20mbit\"");
	REFUSED_RES("'egress':'-20mbit'", "egress",
		    "\"-20mbit\" is no rate, allowed is a number of bits a second or text such "
		    "as \"20mbit\"");
	REFUSED_RES("'ingress':'20MB'", "ingress",
		    "\"20MB\" is no rate, allowed is a number of bits a second or text such as "
		    "\"20mbit\"");
	REFUSED_RES("'egress':'99999999999tbit'", "egress",
		    "\"99999999999tbit\" is no rate, allowed is a number of bits a second or "
		    "text such as \"20mbit\"");
	REFUSED_RES("'egress':1.5", "egress",
		    "1.5 is a number, must be bits a second, a number or text such as \"20mbit\"");
	REFUSED_RES("'egress':true", "egress",
		    "true is a truth value, must be bits a second, a number or text such as "
		    "\"20mbit\"");
	REFUSED_RES("'egress_burst':'64K'", "egress_burst", "given without egress, which it needs");
	REFUSED_RES("'ingress_burst':'64K'", "ingress_burst",
		    "given without ingress, which it needs");
	REFUSED_RES("'egress':'1mbit','egress_burst':1", "egress_burst",
		    "1 is out of range, allowed is 1.5K to 1G");
	REFUSED_RES("'pids':0", "pids", "0 is out of range, allowed is 1 to 4194304");
	REFUSED_RES("'pids':4194305", "pids", "4194305 is out of range, allowed is 1 to 4194304");
	REFUSED_RES("'pids':'7'", "pids", "\"7\" is text, must be a whole number");
	REFUSED_KEYS("'resources':1", "resources", "1 is a number, must be an object");
}

static int update(const char *doc, struct ct_resources *res, struct task_error *err)
{
	json_t *v = rig_json(doc);
	int r = task_resources_parse(v, res, res, err);

	json_decref(v);
	return r;
}

TEST(an_update_keeps_what_it_does_not_name)
{
	struct ct_resources r = resources("'cpus':0.5,'memory':'64M','pids':7");
	struct task_error err;

	EXPECT_EQ(update("{'pids':9}", &r, &err), 0);
	EXPECT_EQ(r.cpu_quota_us, 50000);
	EXPECT_EQ(r.memory_max_bytes, 64 << 20);
	EXPECT_EQ(r.pids_max, 9);
	EXPECT_EQ(update("{'memory':null}", &r, &err), 0);
	EXPECT_TRUE(r.memory_max_bytes == CT_UNSET);
	EXPECT_EQ(r.pids_max, 9);
	EXPECT_EQ(update("{'cpu_period':'50ms'}", &r, &err), 0);
	EXPECT_EQ(r.cpu_quota_us, 25000);
	EXPECT_EQ(r.cpu_period_us, 50000);
	EXPECT_EQ(update("{'cpus':null}", &r, &err), 0);
	EXPECT_TRUE(r.cpu_quota_us == CT_UNSET);
	EXPECT_EQ(update("{}", &r, &err), 0);
	EXPECT_EQ(r.pids_max, 9);
}

TEST(a_refused_update_changes_nothing)
{
	struct ct_resources r = resources("'cpus':0.5,'cpu_burst':'50ms','memory':'64M'"), old = r;
	struct task_error err;

	EXPECT_EQ(update("{'pids':5,'cpus':0.1}", &r, &err), -EINVAL);
	EXPECT_STREQ(err.key, "resources.cpu_burst");
	EXPECT_STREQ(err.reason,
		     "50ms is out of range, allowed is at most 10ms, which is cpus * cpu_period");
	EXPECT_EQ(update("{'pid':5}", &r, &err), -EINVAL);
	EXPECT_STREQ(err.key, "resources.pid");
	EXPECT_STREQ(err.reason, "no such key, the nearest is \"pids\"");
	EXPECT_EQ(update("[]", &r, &err), -EINVAL);
	EXPECT_STREQ(err.key, "resources");
	EXPECT_EQ(update("{'pids':0}", &r, NULL), -EINVAL);
	EXPECT_EQ(memcmp(&r, &old, sizeof(r)), 0);
}

TEST(an_applied_update_is_in_the_document_and_comes_back_with_it)
{
	cleanup_task_spec struct task_spec *t =
		rig_parse("{'cmd':'x','resources':{'cpus':0.5,'pids':7}}");
	cleanup_config struct config *c = rig_config();
	cleanup_task_spec struct task_spec *again = NULL;
	struct ct_resources res;
	json_t *doc = rig_json("{'pids':9,'memory':'64M','cpus':null}");

	EXPECT_EQ(task_resources_parse(doc, &t->ct.resources, &res, NULL), 0);
	EXPECT_EQ(task_resources_apply(t, doc, &res), 0);
	json_decref(doc);
	EXPECT_EQ(t->ct.resources.pids_max, 9);
	EXPECT_EQ(task_spec_restore(c, t->doc, &again, NULL), 0);
	ASSERT_TRUE(again != NULL);
	EXPECT_EQ(memcmp(&again->ct.resources, &t->ct.resources, sizeof(res)), 0);
	EXPECT_EQ(again->ct.resources.memory_max_bytes, 64 << 20);
	EXPECT_TRUE(again->ct.resources.cpu_quota_us == CT_UNSET);
}

TEST(io_limits_arrive_and_go_again)
{
	struct ct_resources r = resources("'io_weight':300,'io_max':{'device':'8:16',"
					  "'read_bps':'10M','write_iops':100}");

	EXPECT_EQ(r.io_weight, 300);
	EXPECT_STREQ(r.io_max.device, "8:16");
	EXPECT_EQ(r.io_max.read_bps, 10 << 20);
	EXPECT_TRUE(r.io_max.write_bps == CT_UNSET);
	EXPECT_TRUE(r.io_max.read_iops == CT_UNSET);
	EXPECT_EQ(r.io_max.write_iops, 100);
	r = resources("'io_max':{'write_bps':4096}");
	EXPECT_STREQ(r.io_max.device, "auto");
	EXPECT_EQ(r.io_max.write_bps, 4096);
	r = resources("'io_weight':'max','io_max':null");
	EXPECT_TRUE(r.io_weight == CT_UNSET);
	EXPECT_STREQ(r.io_max.device, "");
}

TEST(io_limits_that_no_device_could_have_are_refused)
{
	REFUSED_RES("'io_weight':0", "io_weight", "0 is out of range, allowed is 1 to 10000");
	REFUSED_RES("'io_max':'10M'", "io_max",
		    "\"10M\" is text, must be an object with a device and its rates");
	REFUSED_RES("'io_max':{}", "io_max",
		    "names no rate, allowed are read_bps, write_bps, read_iops and write_iops");
	REFUSED_RES("'io_max':{'device':'auto'}", "io_max",
		    "names no rate, allowed are read_bps, write_bps, read_iops and write_iops");
	REFUSED_RES("'io_max':{'read_bps':1}", "io_max.read_bps",
		    "1 is out of range, allowed is 4K to 1P");
	REFUSED_RES("'io_max':{'read_iops':0}", "io_max.read_iops",
		    "0 is out of range, allowed is 1 to 4294967295");
	REFUSED_RES("'io_max':{'device':'/etc/passwd','read_bps':4096}", "io_max.device",
		    "\"/etc/passwd\" is not allowed, allowed is \"auto\", a path below /dev or "
		    "numbers such as \"8:0\"");
	REFUSED_RES("'io_max':{'device':'8:0:0','read_bps':4096}", "io_max.device",
		    "\"8:0:0\" is not allowed, allowed is \"auto\", a path below /dev or "
		    "numbers such as \"8:0\"");
}

TEST(a_fork_rate_arrives_and_goes_again)
{
	struct ct_resources r = resources("'fork_rate':20");

	EXPECT_EQ(r.fork_rate, 20);
	r = resources("'fork_rate':null");
	EXPECT_TRUE(r.fork_rate == CT_UNSET);
	REFUSED_RES("'fork_rate':0", "fork_rate", "0 is out of range, allowed is 1 to 1000000");
}

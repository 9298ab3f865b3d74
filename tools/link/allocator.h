/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dcos-uplink and dcos-allocator say to each other: io.dcos.Allocator.varlink. The node calls
 * Register with "more", and each order is a reply to it; Report is a call without reply.
 */
#ifndef DCOS_LINK_ALLOCATOR_H
#define DCOS_LINK_ALLOCATOR_H

#define ALLOCATOR_INTERFACE  "io.dcos.Allocator"
#define ALLOCATOR_REGISTER   ALLOCATOR_INTERFACE ".Register"
#define ALLOCATOR_REPORT     ALLOCATOR_INTERFACE ".Report"
#define ALLOCATOR_REFUSED    ALLOCATOR_INTERFACE ".Refused"
#define ALLOCATOR_SILENCE_MS 15000 /* after so long without a word the other end is gone */

#endif

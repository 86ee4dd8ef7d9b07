"""The memory counters of a process, as VM_COUNTERS_EX and MINIDUMP_PROCESS_VM_COUNTERS_2 call them -> plain names."""

VM_COUNTERS = {
    "PageFaultCount": "page_faults",
    "PeakWorkingSetSize": "peak_working_set",
    "WorkingSetSize": "working_set",
    "QuotaPagedPoolUsage": "paged_pool",
    "QuotaNonPagedPoolUsage": "nonpaged_pool",
    "PagefileUsage": "pagefile",
    "PeakPagefileUsage": "peak_pagefile",
    "PeakVirtualSize": "peak_virtual",
    "VirtualSize": "virtual",
    "PrivateUsage": "private",
    "PrivateWorkingSetSize": "private_working_set",
    "SharedCommitUsage": "shared_commit",
    "JobPrivateCommitLimit": "job_private_commit_limit",
    "JobTotalCommitLimit": "job_total_commit_limit",
}

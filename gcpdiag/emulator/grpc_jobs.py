"""The gRPC methods of Cloud Run jobs and executions, each as the REST request that it stands for."""

from __future__ import annotations

from google.cloud import run_v2
from google.longrunning import operations_pb2

from gcpdiag.emulator.grpc_method import Method

_JOBS = "/google.cloud.run.v2.Jobs"
_EXECUTIONS = "/google.cloud.run.v2.Executions"
_OPERATION = operations_pb2.Operation
_JOB = run_v2.Job.pb()
_EXECUTION = run_v2.Execution.pb()
_PLACE = "/v2/{name}"

METHODS = (
    Method(f"{_JOBS}/CreateJob", run_v2.CreateJobRequest.pb(), _OPERATION, "POST", "run", "/v2/{parent}/jobs", "job"),
    Method(f"{_JOBS}/GetJob", run_v2.GetJobRequest.pb(), _JOB, "GET", "run", _PLACE),
    Method(
        f"{_JOBS}/ListJobs",
        run_v2.ListJobsRequest.pb(),
        run_v2.ListJobsResponse.pb(),
        "GET",
        "run",
        "/v2/{parent}/jobs",
    ),
    Method(f"{_JOBS}/DeleteJob", run_v2.DeleteJobRequest.pb(), _OPERATION, "DELETE", "run", _PLACE),
    Method(f"{_JOBS}/RunJob", run_v2.RunJobRequest.pb(), _OPERATION, "POST", "run", "/v2/{name}:run", "*"),
    Method(f"{_EXECUTIONS}/GetExecution", run_v2.GetExecutionRequest.pb(), _EXECUTION, "GET", "run", _PLACE),
    Method(
        f"{_EXECUTIONS}/ListExecutions",
        run_v2.ListExecutionsRequest.pb(),
        run_v2.ListExecutionsResponse.pb(),
        "GET",
        "run",
        "/v2/{parent}/executions",
    ),
)

/* Stands in for the CUDA header of this name. */
#include "../cuda_on_cpu.h"
